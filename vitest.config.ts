import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const limits = { testTimeout: 20_000, hookTimeout: 60_000 };
// One more than there are processors: a file that waits, for a client's retry or for a program to start, leaves one idle.
const maxWorkers = availableParallelism() + 1;
// These keep nothing in modules, so that their files can share them: most of their time would go into importing.
const sharing = [
  ...['core', 'protocol', 'transports', 'http', 'extensions', 'compat', 'history', 'testing', 'hostile'],
  ...['conformance', 'interop', 'cli', 'docs', 'addressed', 'bench', 'doors', 'governor'],
  ...['metrics', 'presence', 'types'],
].map((name) => `spec/${name}/**/*.spec.ts`);
// These measure time and memory of a server, so that nothing else may run beside them: `npm run test:memory`.
const measuring = ['spec/memory/**/*.spec.ts'];
// These run apps of the documentation, and of the packed package, in processes of their own: `npm run test:apps`.
const apps = ['docs/snippets', 'package', 'examples', 'migrations'].map((name) => `spec/${name}.spec.ts`);
// These drive Chromium, or programs of Debian such as nginx. `npm test` leaves them to `npm run test:browser` and `test:deploy`.
const browser = ['spec/browser/**/*.spec.ts'];
const deploy = ['spec/deploy/**/*.spec.ts'];
// These look at the documentation site, which takes minutes to build: `npm run test:site`.
const site = ['spec/site/**/*.spec.ts'];
// These run a redis-server each: `npm run test:redis`.
const redis = ['spec/redis/**/*.spec.ts'];
// These run behind nginx and HAProxy, with specs of other folders: `npm run test:cluster`.
const balanced = ['spec/balanced/**/*.spec.ts'];
const long = ['spec/long/**', 'spec/conformance/compare.spec.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...limits,
          maxWorkers,
          name: 'sharing modules',
          include: sharing,
          exclude: [...apps, ...long],
          isolate: false,
        },
      },
      {
        test: {
          ...limits,
          maxWorkers,
          name: 'with modules of their own',
          include: ['spec/**/*.spec.ts'],
          exclude: [
            ...sharing,
            ...measuring,
            ...apps,
            ...browser,
            ...deploy,
            ...site,
            ...redis,
            ...balanced,
            ...long,
          ],
        },
      },
      { test: { ...limits, maxWorkers, name: 'outside: apps', include: apps } },
      { test: { ...limits, maxWorkers: availableParallelism(), name: 'outside: browser', include: browser } },
      { test: { ...limits, maxWorkers: availableParallelism(), name: 'outside: deploy', include: deploy } },
      { test: { ...limits, maxWorkers: availableParallelism(), name: 'outside: redis', include: redis } },
      { test: { ...limits, maxWorkers: availableParallelism(), name: 'outside: site', include: site } },
      { test: { ...limits, maxWorkers: 1, name: 'outside: memory', include: measuring } },
    ],
  },
});
