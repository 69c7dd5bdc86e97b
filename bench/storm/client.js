import { reach } from '../load/manners.js';

/** @typedef {import('../load/manners.js').Manners} Manners */
/** @typedef {import('../load/manners.js').Conduit} Conduit */

/** A client whose session the server has lost: it connects, is told to shake hands again, and goes on until it is connected. */
export class Client {
  failures = 0;
  isBack = false;
  backAt = 0;
  #target;
  #manners;
  /** @type {Conduit | undefined} */
  #conduit;
  #onBack = () => {};

  /** @param {{ port: number, path: string }} target @param {Manners} manners */
  constructor(target, manners) {
    this.#target = target;
    this.#manners = manners;
  }

  /** @returns {Promise<void>} Resolves when its first connect was answered. */
  comeBack() {
    this.#open(() => this.#connect('gone'));
    return new Promise((resolve) => {
      this.#onBack = resolve;
    });
  }

  /** @param {() => void} begin */
  #open(begin) {
    this.#conduit = reach(this.#manners, this.#target, {
      onText: (text) => this.#onText(text),
      onLost: (conduit) => {
        if (this.#conduit === conduit) this.#onLost();
      },
    });
    void this.#conduit.opened.then(begin);
  }

  /** @param {string} clientId */
  #connect(clientId) {
    const { transport } = this.#manners;
    this.#send({ channel: '/meta/connect', clientId, connectionType: transport });
  }

  #shakeHands() {
    this.#send({
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: [this.#manners.transport],
    });
  }

  /** @param {object} message */
  #send(message) {
    this.#conduit?.send(JSON.stringify([message]));
  }

  // After a failure of the network both libraries repeat the handshake.
  #onLost() {
    this.#conduit?.close();
    this.#conduit = undefined;
    setTimeout(() => this.#open(() => this.#shakeHands()), this.#manners.pauseAfter(this.failures));
    this.failures += 1;
  }

  /** @param {string} text */
  #onText(text) {
    for (const { channel, successful, clientId, advice } of JSON.parse(text)) {
      if (channel === '/meta/handshake') this.#connect(clientId);
      else if (!successful && advice?.reconnect === 'handshake') this.#shakeHands();
      else if (channel === '/meta/connect' && successful) this.#arrived();
    }
  }

  #arrived() {
    if (this.isBack) return;
    this.isBack = true;
    this.backAt = performance.now();
    this.#onBack();
  }
}
