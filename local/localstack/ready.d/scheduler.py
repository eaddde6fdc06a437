"""Makes schedules fire in LocalStack's own image, which runs the files of ready.d once it is up."""

import sys
import threading

# compose.yaml mounts the plugin here; without Docker, it is installed.
sys.path.insert(0, "/opt/bullbridge")

from localstack_hostmode.scheduler import run  # noqa: E402

threading.Thread(target=run, daemon=True, name="scheduler-fire").start()
