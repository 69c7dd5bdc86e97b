import type {
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
  TransportName,
} from '../../src/ports/conduit.ts';
import { encodeBatch, type Outgoing } from '../../src/protocol/outgoing.ts';

/** A message as a client reads it. */
export type Wire = { readonly [key: string]: unknown };

interface Unsettled {
  /** Which of the batches that were sent: 1 is the first. */
  readonly number: number;
  readonly batch: readonly Outgoing[];
  readonly handover: Handover;
}

/** What may be set on a fake conduit. */
export interface FakeConduitOptions {
  readonly transport?: TransportName;
  readonly browser?: string;
  readonly http2?: boolean;
  readonly maxBytes?: number;
  readonly address?: string;
  readonly headers?: RequestInfo['headers'];
  readonly cookies?: RequestInfo['cookies'];
  /** Leaves what is sent unsettled until `settle` or `die` is called. */
  readonly slow?: boolean;
  /** The connection it shares with others. */
  readonly link?: object;
}

/** A way to a client that is only recorded: what was sent, as the client would read it, and how it ended. */
export class FakeConduit implements Conduit {
  readonly shape: Conduit['shape'];
  readonly transport: TransportName;
  readonly browser: string | undefined;
  readonly http2: boolean;
  readonly maxBytes: number;
  readonly address: string;
  readonly request: RequestInfo;
  readonly link: object | undefined;
  session: ConduitOwner | undefined;
  alive = true;
  /** Set to say that no more can be written for now. */
  full = false;
  /** Every batch sent, read back from its JSON. */
  readonly batches: Wire[][] = [];
  readonly ends: EndReason[] = [];
  /** Whether the connection closes after the response. */
  isLast = false;
  /** When the client may come again, as it was told. Milliseconds. */
  retryAfter: number | undefined;
  readonly #slow: boolean;
  readonly #unsettled: Unsettled[] = [];

  constructor(shape: Conduit['shape'], options: FakeConduitOptions) {
    this.shape = shape;
    this.transport = options.transport ?? usual[shape];
    this.browser = options.browser;
    this.http2 = options.http2 ?? false;
    this.maxBytes = options.maxBytes ?? 524_288;
    this.address = options.address ?? '';
    this.link = options.link;
    this.#slow = options.slow ?? false;
    this.request = Object.freeze({
      transport: this.transport,
      address: this.address,
      headers: options.headers ?? {},
      cookies: options.cookies ?? {},
      url: '/bayeux',
    });
  }

  get ready(): boolean {
    return this.alive && !this.full && !(this.shape === 'exchange' && this.batches.length > 0);
  }

  /** All messages sent, in order. */
  get messages(): Wire[] {
    return this.batches.flat();
  }

  /** Messages that answer requests. */
  get replies(): Wire[] {
    return this.messages.filter((message) => 'successful' in message && !('data' in message));
  }

  /** The only reply there is. */
  get reply(): Wire {
    const [reply, ...more] = this.replies;
    if (reply === undefined || more.length > 0)
      throw new Error(`not one reply: ${JSON.stringify(this.replies)}`);
    return reply;
  }

  /** Messages that carry data. */
  get events(): Wire[] {
    return this.messages.filter((message) => 'data' in message);
  }

  /** The data of those. */
  get data(): unknown[] {
    return this.events.map(({ data }) => data);
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (!this.alive) {
      handover?.settled(batch, false);
      return;
    }
    if (this.shape === 'exchange' && this.batches.length > 0)
      throw new Error('a second response to one request');
    if (batch.length === 0) throw new Error('an empty batch');
    this.batches.push(JSON.parse(encodeBatch(batch)));
    if (handover === undefined) return;
    if (this.#slow) this.#unsettled.push({ number: this.batches.length, batch, handover });
    else handover.settled(batch, true);
  }

  sendAway(): void {
    this.isLast = true;
  }

  // Only the first end counts, as in the real ones; the reply to a disconnect still leaves.
  end(reason: EndReason, _why?: unknown, _text?: string, retryAfter?: number): void {
    if (this.ends.length > 0) return;
    this.retryAfter = retryAfter;
    this.ends.push(reason);
    // A response has a moment left: then `die` cuts it, or `settle` finds it whole.
    if (reason === 'overtaken' && this.shape === 'exchange') return;
    if (reason === 'overtaken') this.die().session?.lost(this);
    if (reason !== 'disconnected') this.alive = false;
  }

  /** What was sent first has arrived. */
  settle(): void {
    const first = this.#unsettled.shift();
    first?.handover.settled(first.batch, true);
  }

  /** The first so many batches have arrived. */
  settleThrough(number: number): void {
    while ((this.#unsettled[0]?.number ?? Number.POSITIVE_INFINITY) <= number) this.settle();
  }

  /** The connection breaks: what was not settled is lost, newest first. Tell the server with `server.lost`. */
  die(): this {
    this.alive = false;
    for (let last = this.#unsettled.pop(); last !== undefined; last = this.#unsettled.pop()) {
      last.handover.settled(last.batch, false, this.shape !== 'exchange');
    }
    return this;
  }
}

const usual = { exchange: 'long-polling', socket: 'websocket', stream: 'eventsource' } as const;

/** One HTTP request. */
export const exchange = (options: FakeConduitOptions = {}): FakeConduit =>
  new FakeConduit('exchange', options);

/** A WebSocket. */
export const socket = (options: FakeConduitOptions = {}): FakeConduit => new FakeConduit('socket', options);

/** An event stream. */
export const stream = (options: FakeConduitOptions = {}): FakeConduit => new FakeConduit('stream', options);
