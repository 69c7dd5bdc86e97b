import { WebSocketConduit } from '../load/websocket.js';

const CONNECT = { channel: '/meta/connect', connectionType: 'websocket' };

/** A user who views who is in the room, and may be in it. */
export class Member {
  user;
  joinedAt = 0;
  #conduit;
  #clientId = '';
  #isViewer;
  #onReady = () => {};
  /** @type {(data: any) => void} */
  #onTold;

  /** @param {number} port @param {string} user @param {boolean} isViewer @param {(data: any) => void} onTold */
  constructor(port, user, isViewer, onTold) {
    this.user = user;
    this.#isViewer = isViewer;
    this.#onTold = onTold;
    this.#conduit = new WebSocketConduit(
      { port, path: '/bayeux' },
      (bytes, start, end) => this.#onText(bytes.toString('utf8', start, end)),
      (why) => {
        throw new Error(`a client was cut off: ${why}`);
      },
    );
    /** @type {Promise<void>} */
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
    void this.#conduit.opened.then(() =>
      this.#send({
        channel: '/meta/handshake',
        version: '1.0',
        supportedConnectionTypes: ['websocket'],
        ext: { user },
      }),
    );
  }

  join() {
    this.joinedAt = performance.now();
    this.#send({ channel: '/meta/subscribe', clientId: this.#clientId, subscription: '/room' });
  }

  leave() {
    this.#send({ channel: '/meta/unsubscribe', clientId: this.#clientId, subscription: '/room' });
  }

  /** @param {object} message */
  #send(message) {
    this.#conduit.send(JSON.stringify([message]));
  }

  /** @param {string} text */
  #onText(text) {
    for (const { channel, clientId, data } of JSON.parse(text)) {
      if (channel === '/presence/room') this.#onTold(data);
      else if (channel === '/meta/handshake') this.#begin(clientId);
      else if (channel === '/meta/subscribe') this.#onReady();
    }
  }

  /** @param {string} clientId */
  #begin(clientId) {
    this.#clientId = clientId;
    this.#send({ ...CONNECT, clientId });
    this.#send({ ...CONNECT, clientId });
    const list = this.#isViewer ? '/presence/room' : '/other';
    this.#send({ channel: '/meta/subscribe', clientId, subscription: list });
  }
}
