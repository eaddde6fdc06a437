"""Makes schedules fire in LocalStack's own image, which runs what it finds in ready.d once it is up."""

import sys
import threading

# Where compose.yaml mounts the plugin; without Docker it is installed.
sys.path.insert(0, "/opt/bullbridge")

from localstack_hostmode.scheduler import run  # noqa: E402

threading.Thread(target=run, daemon=True, name="scheduler-fire").start()
