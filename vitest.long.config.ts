import { defineConfig } from 'vitest/config';

/**
 * Node wraps a connection under HTTP/2 that is no TCP socket, as those of the carriers model are, and that wrapper asserts now and then
 * that a write is still under way (`js_stream_socket`). No server of a product has such connections, and the model checks every event.
 */
function isNodesOwn({
  code,
  stack,
}: {
  readonly code?: unknown;
  readonly stack?: string | undefined;
}): boolean {
  return code === 'ERR_INTERNAL_ASSERTION' && stack?.includes('js_stream_socket') === true;
}

/** The long runs: fuzz at full length, churn, lossy sockets, and the conformance table of other servers. Forced collections need --expose-gc. */
export default defineConfig({
  test: {
    include: ['spec/long/**/*.spec.ts', 'spec/conformance/compare.spec.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    onUnhandledError: (error) => (isNodesOwn(error) ? false : undefined),
    execArgv: ['--expose-gc'],
  },
});
