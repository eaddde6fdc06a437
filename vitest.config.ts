import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import Sequencer from './test/sequencer.ts';

const sourceOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // The examples import the package as a user does.
    alias: {
      'bullbridge/consumer': sourceOf('consumer/index.ts'),
      'bullbridge/payloads': sourceOf('consumer/payloads.ts'),
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/servers.ts'],
    setupFiles: ['test/setup.ts'],
    sequence: { sequencer: Sequencer },
    reporters: ['default', './test/reporter.ts'],
    // Files share a worker: most of them would take as long to load what they import as to run.
    isolate: false,
    // More memory for new objects than the 1 MB that Node begins with saves a tenth of the processor time of a worker.
    execArgv: ['--min-semi-space-size=16', '--max-semi-space-size=64'],
    // More than there are processors, since many tests wait; less where the same tests repeat their work more often.
    maxWorkers: availableParallelism() + (process.env['CI'] ? 1 : 4),
    // Every synth in a unit test would otherwise run a validation of 2.5 s; one full `cdk synth` runs it in CI.
    env: { CDK_VALIDATION: 'false' },
    testTimeout: 60_000,
    // A second, as by default, is too short for a machine that is busy.
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 60_000,
  },
});
