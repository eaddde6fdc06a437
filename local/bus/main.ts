import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startBus } from './server.ts';

// The local bus in its own process, for benchmarks: it keeps nothing, does not parse details, and answers `GET /stats`
// with its counts. It prints its URL once it listens, and runs until it is killed.
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    bus: { type: 'string', multiple: true, default: ['bullbridge'] },
    queue: { type: 'string', multiple: true, default: ['dead-letters'] },
    bucket: { type: 'string', multiple: true, default: ['payloads'] },
    delay: { type: 'string', default: '0' },
    // The files of a certificate and of its key.
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});

const { cert, key } = values;
const bus = await startBus({
  buses: values.bus,
  queues: values.queue,
  buckets: values.bucket,
  port: Number(values.port),
  delay: Number(values.delay),
  tls: cert !== undefined && key !== undefined ? { cert: readFileSync(cert), key: readFileSync(key) } : undefined,
  record: false,
  validate: false,
});
console.log(bus.url);
