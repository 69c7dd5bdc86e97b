import { nowUs } from './clock.js';
import { FrameReader } from './frames.js';
import { HttpConduit } from './http.js';
import { readMarks, replyMark } from './markers.js';
import { WebSocketConduit } from './websocket.js';

const META = Buffer.from('"/meta/');
const REFUSED = Buffer.from('"successful":false');
const ACK = Buffer.from('"ack":');
const SETUP_LIMIT = 30_000;

/**
 * Settings that all sessions of a run share.
 *
 * @typedef {object} Site
 * @property {{ port: number, path: string }} target
 * @property {'websocket' | 'long-polling'} transport
 * @property {'bayeux' | 'raw' | 'echo'} dialect
 * @property {import('../scenarios/index.js').Load['speaks']} [speaks]
 * @property {string} [token] For the handshake.
 * @property {import('./ledger.js').Ledger} ledger
 * @property {(why: string) => void} onLost A session ended that should not have.
 */

const reader = new FrameReader();
/** @type {number[]} */
const runs = [];

/** One client: it receives events or publishes, and always has a `/meta/connect` held. */
export class Session {
  clientId = '';
  /** @type {import('./ledger.js').Listener | undefined} */
  listener;
  publishes = false;

  #site;
  #conduit;
  /** The connection for publishes: with long-polling a second one, since the held poll occupies the first. */
  #side;
  #ids = 0;
  /** The last batch received, for acknowledgements. */
  #batch = 0;
  #closed = false;
  /** @type {Map<string, { resolve(reply: any): void, reject(error: Error): void }>} */
  #waiting = new Map();

  /** @param {Site} site */
  constructor(site) {
    this.#site = site;
    this.#conduit = this.#connection();
    this.#side = this.#conduit;
  }

  /** Handshakes, subscribes if there is a `pattern`, and connects. @param {string} [pattern] */
  async open(pattern) {
    await this.#conduit.opened;
    const { dialect, speaks, token } = this.#site;
    if (dialect !== 'bayeux') return this;
    const handshake = await this.ask({
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: [this.#site.transport],
      ...(speaks === 'ack' && { ext: { ack: true } }),
      ...(token !== undefined && { ext: { auth: { token } } }),
    });
    this.clientId = handshake.clientId;
    if (pattern) await this.subscribe(pattern);
    const { advice } = await this.ask({ ...this.#connect(), advice: { timeout: 0 } });
    if (advice?.interval > 0)
      throw new Error(`the server wants a pause of ${advice.interval} ms between polls`);
    this.#hold();
    return this;
  }

  /** @param {string | string[]} subscription */
  subscribe(subscription) {
    return this.ask({ channel: '/meta/subscribe', clientId: this.clientId, subscription });
  }

  /** @param {string | string[]} subscription */
  unsubscribe(subscription) {
    return this.ask({ channel: '/meta/unsubscribe', clientId: this.clientId, subscription });
  }

  get publishing() {
    this.publishes = true;
    if (this.#side === this.#conduit && this.#site.transport === 'long-polling') {
      this.#side = this.#connection();
      if (this.#conduit instanceof HttpConduit && this.#side instanceof HttpConduit) {
        this.#side.cookies = this.#conduit.cookies;
      }
    }
    return this.#side;
  }

  close() {
    this.#closed = true;
    this.#conduit.close();
    this.#side.close();
  }

  /** Sends one request; its reply, or an error if the server refused it. @param {Record<string, unknown>} message @returns {Promise<any>} */
  ask(message) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(this.#send(message), { resolve, reject });
    });
  }

  #connection() {
    const Conduit = this.#site.transport === 'websocket' ? WebSocketConduit : HttpConduit;
    const { target, speaks } = this.#site;
    return new Conduit(
      { ...target, deflate: speaks === 'deflate' },
      (bytes, start, end) => this.#onText(bytes, start, end),
      (why) => this.#onLost(why),
    );
  }

  /** @param {Record<string, unknown>} message */
  #send(message) {
    const id = String(++this.#ids);
    this.#conduit.send(JSON.stringify([{ ...message, id }]));
    return id;
  }

  #connect() {
    const { transport, speaks } = this.#site;
    const connect = { channel: '/meta/connect', clientId: this.clientId, connectionType: transport };
    if (speaks === 'ack') return { ...connect, ext: { ack: this.#batch } };
    if (speaks === 'timesync') return { ...connect, ext: { timesync: { tc: Date.now(), l: 0, o: 0 } } };
    return connect;
  }

  #hold() {
    if (!this.#closed) this.#send(this.#connect());
  }

  /** @param {string} why */
  #onLost(why) {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#site.onLost(why);
  }

  /** @param {Buffer} bytes @param {number} start @param {number} end */
  #onText(bytes, start, end) {
    if (this.publishes) {
      readMarks(bytes, start, end, replyMark, runs);
      if (runs.length > 0) this.#onReplies(bytes.subarray(start, end));
    }
    if (this.listener) {
      const { runs, meta } = reader.read(bytes, start, end);
      if (runs.length > 0) this.#site.ledger.deliver(this.listener, runs, nowUs());
      if (!meta) return;
      const body = bytes.subarray(start, end);
      this.#noteBatch(body);
      // The usual poll: its events and a connect that went well.
      if (runs.length > 0 && this.#waiting.size === 0 && !body.includes(REFUSED)) return this.#hold();
    }
    const body = bytes.subarray(start, end);
    if (body.includes(META)) for (const message of JSON.parse(body.toString())) this.#onMessage(message);
  }

  /** @param {Buffer} body */
  #onReplies(body) {
    const { ledger } = this.#site;
    ledger.answer(runs, nowUs());
    for (let at = body.indexOf(REFUSED); at >= 0; at = body.indexOf(REFUSED, at + 1)) ledger.refused++;
  }

  /** @param {Buffer} body */
  #noteBatch(body) {
    if (this.#site.speaks !== 'ack') return;
    const at = body.lastIndexOf(ACK);
    if (at >= 0)
      this.#batch = Number.parseInt(body.toString('latin1', at + ACK.length, at + ACK.length + 12), 10);
  }

  /** @param {any} message */
  #onMessage(message) {
    if (message.successful === undefined) return;
    const waiter = this.#waiting.get(message.id);
    if (waiter) {
      this.#waiting.delete(message.id);
      if (message.successful) waiter.resolve(message);
      else waiter.reject(new Error(`${message.channel}: ${message.error}`));
    } else if (!message.successful) this.#onLost(`${message.channel}: ${message.error}`);
    else if (message.channel === '/meta/connect') this.#hold();
  }
}

/**
 * Opens many sessions, `atOnce` at a time.
 *
 * @param {Site} site
 * @param {number} count
 * @param {(index: number) => string | undefined} patternOf
 * @param {(session: Session, took: number) => void} [onOpened] `took`: microseconds.
 */
export async function openSessions(site, count, patternOf, onOpened = () => {}, atOnce = 64) {
  /** @type {Session[]} */
  const sessions = [];
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      const began = nowUs();
      const session = new Session(site);
      sessions[index] = session;
      await session.open(patternOf(index));
      onOpened(session, nowUs() - began);
    }
  };
  await within(SETUP_LIMIT + count * 10, Promise.all(Array.from({ length: atOnce }, lane)));
  return sessions;
}

/** @template T @param {number} ms @param {Promise<T>} work @returns {Promise<T>} */
async function within(ms, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the sessions were not open after ${ms} ms`)), ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
  return work;
}
