/**
 * How a client reaches the server, and how long it waits after so many failures.
 *
 * @typedef {object} Manners
 * @property {string} transport
 * @property {new (target: { port: number, path: string }, onText: (bytes: Buffer, start: number, end: number) => void, onLost: (why: string) => void) => { opened: Promise<void>, send(text: string): void, close(): void }} Conduit
 * @property {(failures: number) => number} pauseAfter Milliseconds.
 */

/** A client whose session the server has lost: it connects, is told to shake hands again, and goes on until it is connected. */
export class Client {
  failures = 0;
  isBack = false;
  backAt = 0;
  #target;
  #manners;
  /** @type {InstanceType<Manners['Conduit']> | undefined} */
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
    const conduit = new this.#manners.Conduit(
      this.#target,
      (bytes, start, end) => this.#onText(bytes.toString('utf8', start, end)),
      () => {
        if (this.#conduit === conduit) this.#onLost();
      },
    );
    this.#conduit = conduit;
    void conduit.opened.then(begin);
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
    this.failures += 1;
    this.#conduit?.close();
    this.#conduit = undefined;
    setTimeout(() => this.#open(() => this.#shakeHands()), this.#manners.pauseAfter(this.failures));
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
