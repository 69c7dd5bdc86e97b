import { link } from '../wire.js';

/**
 * Listens on a free port, and answers questions of the bench: the port, the CPU time, the memory.
 *
 * @param {import('node:http').Server} httpServer
 * @param {Record<string, () => unknown>} [handlers] Answers to other questions.
 */
export function serve(httpServer, handlers) {
  httpServer.listen(0, '127.0.0.1', 4096);
  answerBench({
    async port() {
      if (!httpServer.listening) await new Promise((resolve) => httpServer.once('listening', resolve));
      const address = httpServer.address();
      return typeof address === 'object' ? address?.port : undefined;
    },
    ...handlers,
  });
}

/**
 * Answers questions of the bench about this process, and ends the process with the bench.
 *
 * @param {Record<string, () => unknown>} handlers Answers to other questions.
 */
export function answerBench(handlers) {
  void link(process, {
    usage() {
      const { user, system } = process.cpuUsage();
      return { at: performance.now() * 1000, cpu: user + system };
    },
    async memory() {
      for (let round = 0; round < 3; round++) {
        globalThis.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { rss, heapUsed } = process.memoryUsage();
      return { rss, heapUsed };
    },
    ...handlers,
  });
  process.once('disconnect', () => process.exit(0));
  // The bench may have ended while this process was loading, before the listener above.
  if (process.connected === false) process.exit(0);
}
