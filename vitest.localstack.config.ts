import { defineConfig } from 'vitest/config';

/** The tests that need a LocalStack; `npm run test:localstack` starts one for them. */
export default defineConfig({
  test: {
    include: ['test/localstack/**/*.localstack.ts'],
    setupFiles: ['test/setup.ts'],
    // One process serves them all, on few cores.
    fileParallelism: false,
    // Two ticks of a schedule that has no shorter interval than a minute, on a machine that is busy.
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
