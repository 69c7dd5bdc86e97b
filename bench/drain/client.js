import { reach } from '../load/manners.js';

/** @typedef {import('../load/manners.js').Manners} Manners */
/** @typedef {import('../load/manners.js').Conduit} Conduit */

/** A client that stays connected: it does what the advice says, and comes back when its connection breaks. */
export class Client {
  #target;
  #manners;
  #channel;
  #clientId = '';
  #failures = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  /** @type {Conduit | undefined} */
  #conduit;
  /** Publishes by HTTP beside the poll. @type {Conduit | undefined} */
  #second;
  #onConnected = () => {};

  /** @param {{ port: number, path: string }} target @param {Manners} manners @param {string} channel */
  constructor(target, manners, channel) {
    this.#target = target;
    this.#manners = manners;
    this.#channel = channel;
  }

  /** @returns {Promise<void>} Resolves when its first connect was answered. */
  open() {
    this.#reach(() => this.#shakeHands());
    return new Promise((resolve) => {
      this.#onConnected = resolve;
    });
  }

  /** @returns {string} */
  get clientId() {
    return this.#clientId;
  }

  publish() {
    if (this.#clientId === '') return;
    const message = { channel: this.#channel, clientId: this.#clientId, data: { text: 'hello' } };
    if (this.#manners.transport === 'websocket') this.#send([message]);
    else this.#publishBeside(message);
  }

  /** @param {object} message */
  #publishBeside(message) {
    if (this.#second?.ready === false) return;
    this.#second ??= reach(this.#manners, this.#target, {
      onText: () => {},
      onLost: () => {
        this.#second?.close();
        this.#second = undefined;
      },
    });
    this.#second.send(JSON.stringify([message]));
  }

  /** @param {() => void} begin */
  #reach(begin) {
    this.#conduit = reach(this.#manners, this.#target, {
      onText: (text) => this.#onText(text),
      onLost: (conduit) => {
        if (this.#conduit === conduit) this.#onLost();
      },
    });
    void this.#conduit.opened.then(begin);
  }

  // Both libraries try the session that they had first.
  #onLost() {
    this.#conduit?.close();
    this.#conduit = undefined;
    const pause = this.#manners.pauseAfter(this.#failures);
    this.#failures += 1;
    this.#later(pause, () =>
      this.#reach(() => (this.#clientId === '' ? this.#shakeHands() : this.#connect())),
    );
  }

  /** Does this next, in place of what was to be done. @param {number} ms @param {() => void} action */
  #later(ms, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  #shakeHands() {
    const { transport } = this.#manners;
    this.#clientId = '';
    this.#send([{ channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: [transport] }]);
  }

  #connect() {
    const { transport: connectionType } = this.#manners;
    const clientId = this.#clientId;
    if (this.#conduit === undefined) this.#reach(() => this.#connect());
    else this.#send([{ channel: '/meta/connect', clientId, connectionType }]);
  }

  /** @param {readonly object[]} messages */
  #send(messages) {
    this.#conduit?.send(JSON.stringify(messages));
  }

  /** @param {string} text */
  #onText(text) {
    for (const message of JSON.parse(text)) this.#take(message);
  }

  /** @param {{ channel: string, successful?: boolean, clientId?: string, advice?: { reconnect?: string, interval?: number } }} message */
  #take({ channel, successful, clientId = '', advice = {} }) {
    if (channel === '/meta/handshake' && successful) {
      this.#clientId = clientId;
      this.#send([{ channel: '/meta/subscribe', clientId, subscription: this.#channel }]);
      if (this.#manners.transport === 'websocket') this.#connect();
    } else if (channel === '/meta/subscribe' && this.#manners.transport === 'long-polling') this.#connect();
    else if (channel === '/meta/connect') this.#connected(successful === true, advice);
  }

  /** @param {boolean} successful @param {{ reconnect?: string, interval?: number }} advice */
  #connected(successful, { reconnect, interval = 0 }) {
    if (successful) {
      this.#failures = 0;
      this.#onConnected();
    }
    this.#later(interval, () => (reconnect === 'handshake' ? this.#shakeHands() : this.#connect()));
  }
}
