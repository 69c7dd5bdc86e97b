import { machineBusy, ownUsage } from './usage.js';

/**
 * Reads CPU times at the start and end of a measurement: of the server, of this process, and of the whole
 * machine.
 *
 * @typedef {import('./usage.js').Usage} Usage
 * @typedef {{ seconds: number, server: number, load: number, others: number }} Shares Each a share of one core; 1 is a whole core.
 */
export class Meter {
  #serverUsage;
  /** @type {Promise<{ own: Usage, server: Usage, machine: number }>} */
  #began;

  /** @param {() => Promise<Usage>} serverUsage */
  constructor(serverUsage) {
    this.#serverUsage = serverUsage;
    this.#began = this.#read();
  }

  /** @returns {Promise<Shares>} */
  async stop() {
    const [began, ended] = await Promise.all([this.#began, this.#read()]);
    const share = (/** @type {Usage} */ from, /** @type {Usage} */ to) =>
      (to.cpu - from.cpu) / (to.at - from.at);
    const elapsed = ended.own.at - began.own.at;
    const [server, load] = [share(began.server, ended.server), share(began.own, ended.own)];
    const machine = (ended.machine - began.machine) / elapsed;
    return { seconds: elapsed / 1e6, server, load, others: Math.max(0, machine - server - load) };
  }

  async #read() {
    return { own: ownUsage(), machine: machineBusy(), server: await this.#serverUsage() };
  }
}
