import { sleep } from '../load/clock.js';
import { HttpConduit } from '../load/http.js';
import { WebSocketConduit } from '../load/websocket.js';
import { Tally } from './tally.js';
import { Tap } from './tap.js';

const PAUSE = 1000;
/** About one event per second. Bytes per second. */
const TRICKLE = 200;
/** Time without an event after which a reader counts as drained. Milliseconds. */
const SILENCE = 3000;
const NUMBER = /~#\d+\.(\d+)~/;

/**
 * How a reader is slow: with `credit` it asks for one event per second, with `trickle` it reads little from
 * its socket.
 *
 * @typedef {object} Manner
 * @property {string} title
 * @property {number} stream
 * @property {'websocket' | 'long-polling'} transport
 * @property {'credit' | 'trickle'} slowness
 */

/** A client that reads one event per second, and at the end all that wait for it. */
export class SlowReader {
  clientId = '';
  manner;
  tally;
  /** Why its session ended. @type {string | undefined} */
  lost;
  #channel;
  #conduit;
  #tap = new Tap();
  #ids = 0;
  #isSlow = true;
  /** @type {Map<string, (reply: any) => void>} */
  #waiting = new Map();

  /**
   * @param {{ port: number, path: string }} target
   * @param {Manner} manner
   * @param {string} channel
   * @param {number} first The number of the next event.
   */
  constructor(target, manner, channel, first) {
    this.manner = manner;
    this.tally = new Tally(first);
    this.#channel = channel;
    const onText = (/** @type {Buffer} */ bytes, /** @type {number} */ start, /** @type {number} */ end) =>
      this.#onText(bytes.toString('utf8', start, end));
    const onLost = (/** @type {string} */ why) => this.#onLost(why);
    this.#conduit =
      manner.transport === 'websocket'
        ? new WebSocketConduit(target, onText, onLost, this.#tap.open)
        : new HttpConduit(target, onText, onLost);
  }

  async open() {
    await this.#conduit.opened;
    const { transport, slowness } = this.manner;
    const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: [transport] };
    this.clientId = (await this.#ask(handshake)).clientId;
    await this.#ask({ channel: '/meta/subscribe', clientId: this.clientId, subscription: this.#channel });
    if (slowness === 'credit') {
      await this.#connect({ ext: { flow: { credit: 0 } } });
      void this.#askNowAndThen();
    } else {
      await this.#connect();
      this.#tap.trickle(TRICKLE);
    }
    return this;
  }

  /** Reads all waiting events. */
  async drain() {
    this.#isSlow = false;
    this.#tap.flow();
    for (let quiet = 0, before = -1; quiet < SILENCE && this.lost === undefined; quiet += PAUSE / 10) {
      await sleep(PAUSE / 10);
      if (this.#waiting.size === 0) await this.#connect();
      if (this.tally.heardOf !== before) quiet = 0;
      before = this.tally.heardOf;
    }
  }

  close() {
    this.#conduit.close();
  }

  async #askNowAndThen() {
    while (this.#isSlow && this.lost === undefined) {
      await this.#connect({ ext: { flow: { credit: 1 } } });
      await sleep(PAUSE);
    }
  }

  // Answered at once: waiting events come with the reply, or right after it.
  #connect(fields = {}) {
    const { clientId } = this;
    const connectionType = this.manner.transport;
    return this.#ask({
      channel: '/meta/connect',
      clientId,
      connectionType,
      advice: { timeout: 0 },
      ...fields,
    });
  }

  /** @param {Record<string, unknown>} message @returns {Promise<any>} */
  #ask(message) {
    const id = String(++this.#ids);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#conduit.send(JSON.stringify([{ ...message, id }]));
    });
  }

  /** @param {string} text */
  #onText(text) {
    for (const message of JSON.parse(text)) {
      if ('data' in message) this.tally.event(Number(NUMBER.exec(message.data.m)?.[1]), message.ext?.gap);
      else this.#onReply(message);
    }
  }

  /** @param {any} reply */
  #onReply(reply) {
    this.tally.gap(reply.ext?.gap?.[this.#channel]);
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.successful) waiter?.(reply);
    else this.#onLost(`${reply.channel}: ${reply.error}`);
  }

  /** @param {string} why */
  #onLost(why) {
    this.lost ??= why;
    for (const resolve of this.#waiting.values()) resolve({});
    this.#waiting.clear();
  }
}
