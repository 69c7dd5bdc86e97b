import { connect, createServer } from 'node:net';

/** Time between two health checks. Milliseconds. */
const EVERY = 500;

/**
 * Passes connections on to the first server that its health check finds ready, as a load balancer for TCP does. A connection stays with its
 * server.
 */
export class Balancer {
  #programs;
  /** @type {import('./program.js').Program | undefined} */
  #current;
  #server = createServer((client) => this.#pass(client));
  #timer;

  /** @param {import('./program.js').Program[]} programs May grow. */
  constructor(programs) {
    this.#programs = programs;
    this.#timer = setInterval(() => void this.check(), EVERY);
  }

  /** @returns {Promise<number>} The port. */
  listen() {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', 4096, () => {
        resolve(/** @type {import('node:net').AddressInfo} */ (this.#server.address()).port);
      });
    });
  }

  async check() {
    const answers = await Promise.all(this.#programs.map((program) => program.isReady()));
    this.#current = this.#programs[answers.indexOf(true)];
  }

  close() {
    clearInterval(this.#timer);
    this.#server.close();
  }

  /** @param {import('node:net').Socket} client */
  #pass(client) {
    const { port = 0 } = this.#current ?? {};
    if (port === 0) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      one?.setNoDelay(true);
      one?.on('error', () => other?.destroy());
      one?.on('close', () => other?.destroy());
    }
    client.pipe(server).pipe(client);
  }
}
