import { join } from 'node:path';
import { fc } from '@fast-check/vitest';
import { inject } from 'vitest';
import './signals.ts';

// Told runs are comparable, and a mutation that survives one survives the next.
fc.configureGlobal({ seed: 20_261_123, interruptAfterTimeLimit: 50_000 });

process.env['AWS_REGION'] ??= 'eu-west-1';
process.env['AWS_ACCESS_KEY_ID'] = 'local';
process.env['AWS_SECRET_ACCESS_KEY'] = 'local';

// Tests start hundreds of processes that run the same code.
const folder = inject('temporaryFolder');
if (folder) process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
