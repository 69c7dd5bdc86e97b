import { WebSocketConduit } from '../load/websocket.js';
import { link } from '../wire.js';

const CHANNEL = '/service/direct';

void link(process, { run });
process.once('disconnect', () => process.exit(0));

/** One user with one session. */
class User {
  received = 0;
  #clientId = '';
  #lastId = 0;
  /** @type {Map<string, (reply: any) => void>} */
  #waiting = new Map();
  #conduit;
  #onEvent;

  /** @param {number} port @param {() => void} onEvent */
  constructor(port, onEvent) {
    this.#onEvent = onEvent;
    this.#conduit = new WebSocketConduit(
      { port, path: '/bayeux' },
      (bytes, start, end) => this.#read(bytes.toString('utf8', start, end)),
      (why) => {
        throw new Error(why);
      },
    );
  }

  /** @param {string} user */
  async open(user) {
    await this.#conduit.opened;
    const hello = { version: '1.0', supportedConnectionTypes: ['websocket'], ext: { user } };
    const { clientId } = await this.request('/meta/handshake', hello);
    this.#clientId = clientId;
    await this.request('/meta/connect', { connectionType: 'websocket' });
    void this.request('/meta/connect', { connectionType: 'websocket' });
  }

  /** @param {string} channel @param {object} fields @returns {Promise<any>} */
  request(channel, fields) {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const message = { id, channel, clientId: this.#clientId || undefined, ...fields };
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#conduit.send(JSON.stringify([message]));
    });
  }

  /** @param {string} text */
  #read(text) {
    for (const message of JSON.parse(text)) {
      if (message.channel === CHANNEL && message.data) {
        this.received += 1;
        this.#onEvent();
      } else this.#waiting.get(message.id)?.(message);
    }
  }
}

/** @param {{ port: number, receivers: number, rounds: number, offline: number }} order */
async function run({ port, receivers, rounds, offline }) {
  let left = 0;
  let all = () => {};
  const onEvent = () => {
    left -= 1;
    if (left === 0) all();
  };
  const sender = new User(port, onEvent);
  await sender.open('sender');
  const users = Array.from({ length: receivers }, () => new User(port, onEvent));
  await Promise.all(users.map((user, at) => user.open(`user-${at}`)));
  const named = [
    ...users.map((_user, at) => `user-${at}`),
    ...Array.from({ length: offline }, (_, at) => `away-${at}`),
  ];
  const received = [];
  const answered = [];
  for (let round = 0; round < rounds; round += 1) {
    const arrived = new Promise((resolve) => {
      all = () => resolve(performance.now());
    });
    left = receivers || 1;
    const data = { receivers: named, payload: { text: 'x'.repeat(70), round } };
    const began = performance.now();
    const reply = await sender.request(CHANNEL, { data });
    answered.push(performance.now() - began);
    if (receivers > 0) received.push((await arrived) - began);
    const outcomes = Object.values(reply.ext.receipts);
    const expected = { delivered: receivers, queued: offline };
    for (const [receipt, count] of Object.entries(expected))
      if (outcomes.filter((one) => one === receipt).length !== count)
        throw new Error(`round ${round}: ${count} were to be ${receipt}`);
  }
  return { received, answered };
}
