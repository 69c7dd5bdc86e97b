import { defineConfig } from 'vitest/config';

/** The long runs: fuzz at full length, churn, lossy sockets, and the conformance table of other servers. Forced collections need --expose-gc. */
export default defineConfig({
  test: {
    include: ['spec/long/**/*.spec.ts', 'spec/conformance/compare.spec.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    execArgv: ['--expose-gc'],
  },
});
