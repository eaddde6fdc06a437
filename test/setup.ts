import './signals.ts';
import { fc } from '@fast-check/vitest';

// Told runs are comparable, and a mutation that survives one survives the next.
fc.configureGlobal({ seed: 20_261_123, interruptAfterTimeLimit: 50_000 });

process.env['AWS_REGION'] ??= 'eu-west-1';
process.env['AWS_ACCESS_KEY_ID'] = 'local';
process.env['AWS_SECRET_ACCESS_KEY'] = 'local';
