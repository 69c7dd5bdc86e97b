import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Specs that run against three nodes on a Redis behind a balancer, just as they do against one server.
const specs = [
  ...['aiocometd', 'cometd', 'faye', 'matrix', 'models', 'replay'].map((name) => `interop/${name}`),
  'browser/matrix',
  'extensions/resend-clients',
  'long/lossy',
  'balanced/*',
].map((name) => `spec/${name}.spec.ts`);

export default defineConfig({
  test: {
    projects: ['nginx', 'haproxy'].map((name) => ({
      test: {
        name,
        include: specs,
        setupFiles: [`spec/balanced/${name}.ts`],
        env: { LOSSY_MESSAGES: '400' },
        testTimeout: 60_000,
        hookTimeout: 60_000,
        maxWorkers: availableParallelism(),
      },
    })),
  },
});
