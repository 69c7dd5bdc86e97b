import { HttpClient } from '../../long/http-client.ts';
import { handshake, type Wire, WebSocketClient } from '../../transports/websocket-client.ts';
import type { Recorder } from './recorder.ts';

/** What clients of CometD wait for an answer, beyond the time that the server may hold a connect. Milliseconds. */
const PATIENCE = 10_000;

/** Brings messages to a server, and calls `heard` with each that comes back. */
interface Carrier {
  readonly type: 'websocket' | 'long-polling';
  /** Calls `sent` when the message leaves: it may wait for a connection that is in use. */
  send(message: Wire, sent: () => void): void;
  close(): void;
}

/** What a client of a round is made with. */
export interface ClientOptions {
  readonly name: string;
  /** The number of its node. */
  readonly node: number;
  readonly url: string;
  readonly type: Carrier['type'];
  /** Whether it acknowledges what it gets. */
  readonly acknowledges: boolean;
  /** How long the server holds a connect. Milliseconds. */
  readonly timeout: number;
  readonly recorder: Recorder;
}

/** A client that writes down all it does and sees. */
export class Client {
  readonly #options: ClientOptions;
  readonly #carrier: Carrier;
  readonly #waiting = new Map<string, (reply: Wire) => void>();
  readonly #leaving: (() => void)[] = [];
  #clientId = '';
  #batch: number | undefined;
  #lastId = 0;
  #isOpen = true;
  #connecting: Promise<void> = Promise.resolve();

  private constructor(options: ClientOptions, carrierOf: (heard: (message: Wire) => void) => Carrier) {
    this.#options = options;
    this.#carrier = carrierOf((message) => this.#heard(message));
  }

  /** Opens a session, which stays connected until `close`. */
  static async open(options: ClientOptions): Promise<Client> {
    const { url, type, acknowledges } = options;
    const socket = type === 'websocket' ? await WebSocketClient.open(url) : undefined;
    const client = new Client(options, (heard) =>
      socket === undefined ? pollingOf(url, heard) : socketOf(socket, heard),
    );
    const reply = await client.#ask(handshake({ ext: { ack: acknowledges } }));
    client.#clientId = String(reply.clientId);
    await client.#ask(client.#message('/meta/connect', { advice: { timeout: 0 } }));
    client.#connecting = client.#connect();
    return client;
  }

  /** Answers whether it was granted. */
  async subscribe(pattern: string): Promise<boolean> {
    const { recorder, name } = this.#options;
    const { successful } = await this.#ask(this.#message('/meta/subscribe', { subscription: pattern }));
    if (successful === true) this.#leaving.push(recorder.subscribed(name, pattern));
    return successful === true;
  }

  async publish(channel: string): Promise<void> {
    const { recorder, name, node } = this.#options;
    const { id, answered } = recorder.publish(name, node, channel);
    const { successful } = await this.#ask(this.#message(channel, { data: { id } }));
    answered(successful === true);
  }

  /** Leaves in the middle of a round: from now on nothing has to come. */
  async leave(): Promise<void> {
    for (const leave of this.#leaving) leave();
    await this.close();
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#ask(this.#message('/meta/disconnect'));
    await this.#connecting;
    this.#carrier.close();
  }

  async #connect(): Promise<void> {
    const { timeout } = this.#options;
    while (this.#isOpen) {
      const ext = this.#batch === undefined ? {} : { ext: { ack: this.#batch } };
      const { advice } = await this.#ask(this.#message('/meta/connect', ext), timeout + PATIENCE);
      if (isRecord(advice) && advice.reconnect !== undefined && advice.reconnect !== 'retry') return;
    }
  }

  #message(channel: string, fields: object = {}): Wire {
    this.#lastId += 1;
    const type = channel === '/meta/connect' && { connectionType: this.#carrier.type };
    return { id: String(this.#lastId), channel, clientId: this.#clientId, ...type, ...fields };
  }

  /** Resolves with an empty reply when the client loses its patience. */
  #ask(message: Wire, patience = PATIENCE): Promise<Wire> {
    const { recorder, name } = this.#options;
    return new Promise((resolve) => {
      const key = `${message.channel} ${message.id}`;
      this.#carrier.send(message, () => {
        const answered = recorder.ask(name, String(message.channel), patience);
        const settle = (reply: Wire): void => {
          clearTimeout(timer);
          this.#waiting.delete(key);
          resolve(reply);
        };
        const timer = setTimeout(() => settle({}), patience);
        this.#waiting.set(key, (reply) => {
          answered();
          settle(reply);
        });
      });
    });
  }

  #heard(message: Wire): void {
    const { recorder, name } = this.#options;
    if (isGap(message)) recorder.gap(name);
    const { data } = message;
    if (isRecord(data) && typeof data.id === 'string') {
      const replayId = isRecord(data.event) ? data.event.replayId : undefined;
      recorder.received(name, data.id, typeof replayId === 'number' ? replayId : undefined);
      return;
    }
    if (message.channel === '/meta/connect' && isRecord(message.ext) && typeof message.ext.ack === 'number')
      this.#batch = message.ext.ack;
    this.#waiting.get(`${message.channel} ${message.id}`)?.(message);
  }
}

function isGap({ ext }: Wire): boolean {
  return isRecord(ext) && ext.gap !== undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function socketOf(socket: WebSocketClient, heard: (message: Wire) => void): Carrier {
  let taken = 0;
  socket.socket.on('data', () => {
    const all = socket.messages;
    for (; taken < all.length; taken += 1) heard(all[taken] ?? {});
  });
  return {
    type: 'websocket',
    send: (message, sent) => {
      sent();
      socket.send(message);
    },
    close: () => socket.socket.destroy(),
  };
}

interface Waiting {
  readonly message: Wire;
  readonly sent: () => void;
}

/** A connection for connects, and one for the rest: what comes while a request is under way goes together in the next one. */
function pollingOf(url: string, heard: (message: Wire) => void): Carrier {
  const [connects, others] = [new HttpClient(url, 1), new HttpClient(url, 1)];
  const waiting: Waiting[] = [];
  const send = async (client: HttpClient, batch: readonly Waiting[]): Promise<void> => {
    for (const { sent } of batch) sent();
    // Whoever waits for an answer that does not come loses patience.
    const answers = await client.post(batch.map(({ message }) => message)).catch(() => []);
    for (const one of answers) heard(one);
  };
  const sendWaiting = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = [...waiting];
      await send(others, batch);
      waiting.splice(0, batch.length);
    }
  };
  return {
    type: 'long-polling',
    send: (message, sent) => {
      const one = { message, sent };
      if (message.channel === '/meta/connect') return void send(connects, [one]);
      waiting.push(one);
      if (waiting.length === 1) void sendWaiting();
    },
    close: () => {
      connects.close();
      others.close();
    },
  };
}
