import { parsed } from '../lib/parsed.ts';
import type {
  CloseReason,
  Conduit,
  ConduitOwner,
  EndReason,
  Handover,
  RequestInfo,
} from '../ports/conduit.ts';
import type { Outgoing } from '../protocol/outgoing.ts';
import { FrameError, kinds } from './frames.ts';
import type { Pipe } from './pipe.ts';

/** Bytes on their way to one socket or stream above which events wait in the queue of the session. */
const WINDOW = 262_144;

/** What the other node says of a conduit when it forwards the first batch: a JSON list, since there is one for each request. */
export type Opening = readonly [
  shape: Conduit['shape'],
  transport: string,
  http2: boolean,
  address: string,
  maxBytes: number,
  browser: string | null,
  isPart: boolean,
  isTaken: boolean,
  takesEvents: boolean,
];

interface Sent {
  readonly batch: readonly Outgoing[];
  readonly handover: Handover | undefined;
  readonly bytes: number;
}

// The socket serves a session of the node that it came to.
const elsewhere: ConduitOwner = {
  id: '',
  waitingBytes: 0,
  flush() {},
  lost() {},
  cede() {},
  vacate() {},
};

/** A conduit of another node, to which its client came, at the node of the session. */
export class RemoteConduit implements Conduit {
  readonly shape: Conduit['shape'];
  readonly transport: string;
  readonly http2: boolean;
  readonly address: string;
  readonly browser: string | undefined;
  readonly maxBytes: number;
  readonly isPart: boolean;
  readonly #takesEvents: boolean;
  readonly #id: number;
  readonly #pipe: Pipe;
  readonly #over: (conduit: RemoteConduit) => void;
  #info: RequestInfo | string;
  #session: ConduitOwner | undefined;
  #state: 'open' | 'answered' | 'ended' | 'gone' = 'open';
  // By its number, oldest first.
  readonly #unsettled = new Map<number, Sent>();
  #unsettledBytes = 0;
  #sent = 0;
  #batches = 0;
  #isWaiting = false;

  /** `info`: the request as JSON. `over` is called when the other node need not be listened to any more. */
  constructor(
    id: number,
    opening: Opening,
    info: string,
    pipe: Pipe,
    over: (conduit: RemoteConduit) => void,
  ) {
    const [shape, transport, http2, address, maxBytes, browser, isPart, isTaken, takesEvents] = opening;
    this.shape = shape;
    this.transport = transport;
    this.http2 = http2;
    this.address = address;
    this.maxBytes = maxBytes;
    this.browser = browser ?? undefined;
    this.isPart = isPart;
    this.#takesEvents = takesEvents;
    this.#id = id;
    this.#info = info;
    this.#pipe = pipe;
    this.#over = over;
    this.isTaken = isTaken;
  }

  get id(): number {
    return this.#id;
  }

  get request(): RequestInfo {
    if (typeof this.#info === 'string') this.#info = requestOf(this.#info);
    return this.#info;
  }

  get session(): ConduitOwner | undefined {
    return this.#session;
  }

  /** The other node learns which session a socket serves: it is one of this node, or one of its own. */
  set session(session: ConduitOwner | undefined) {
    const before = this.#session;
    this.#session = session;
    if (this.shape !== 'socket' || session === before || this.#state !== 'open') return;
    if (session === undefined) this.#pipe.send(kinds.unbind, this.#id);
    else this.#pipe.send(kinds.bind, this.#id, session.id);
  }

  /** Whether the socket serves a session of another node. */
  set isTaken(isTaken: boolean) {
    if (isTaken && this.#session === undefined) this.#session = elsewhere;
    else if (!isTaken && this.#session === elsewhere) this.#session = undefined;
  }

  get alive(): boolean {
    return this.#state === 'open' && this.#pipe.isOpen;
  }

  get ready(): boolean {
    const isReady = this.alive && this.#unsettledBytes <= WINDOW && !this.#pipe.isFull;
    if (!isReady) this.#isWaiting = true;
    return isReady;
  }

  /** A response can be answered while the pipe is full. It brings no events then. */
  get maxEvents(): number | undefined {
    return this.#takesEvents && !this.#pipe.isFull ? undefined : 0;
  }

  send(batch: readonly Outgoing[], handover?: Handover): void {
    if (!this.alive) {
      handover?.settled(batch, false);
      return;
    }
    const body = bodyOf(batch);
    if (!this.#pipe.fits(body)) {
      this.end('failed');
      handover?.settled(batch, false);
      return;
    }
    const isExchange = this.shape === 'exchange';
    if (isExchange) this.#state = 'answered';
    const isSettled = handover === undefined && isExchange;
    if (isSettled) this.#over(this);
    else this.#remember(batch, handover, body.length);
    this.#pipe.send(kinds.send, this.#id, isSettled ? '' : String(this.#sent), body);
  }

  end(reason: EndReason, why?: CloseReason, text?: string, retryAfter?: number): void {
    const isAnswered = this.#state === 'answered';
    if (this.#state !== 'open' && !(isAnswered && reason === 'overtaken')) return;
    this.#pipe.send(
      kinds.end,
      this.#id,
      JSON.stringify([reason, why ?? null, text ?? null, retryAfter ?? null]),
    );
    if (reason === 'disconnected' && this.shape !== 'stream') return;
    if (reason === 'overtaken' || (reason === 'replaced' && this.shape === 'socket')) return;
    this.#state = 'ended';
    this.#finish();
  }

  /** Counts a batch of requests that came, and returns its number. */
  nextBatch(): number {
    this.#batches += 1;
    return this.#batches;
  }

  /** The other node tells what became of a batch: its number, whether it was handed over whole, and whether it may have arrived. */
  settled(text: string): void {
    const [number = '', whole, mayHaveArrived] = text.split(',');
    const sent = this.#unsettled.get(Number(number));
    if (sent === undefined) return;
    this.#unsettled.delete(Number(number));
    this.#unsettledBytes -= sent.bytes;
    sent.handover?.settled(sent.batch, whole === '1', mayHaveArrived === '1');
    this.#finish();
    this.flush();
  }

  /** A part of a large response left. */
  moved(): void {
    for (const { handover } of this.#unsettled.values()) handover?.moved();
  }

  /** A large response was sent. */
  sentLarge(text: string): void {
    for (const { handover } of this.#unsettled.values()) handover?.sentLarge(Number(text));
  }

  /** There may be room for more. */
  flush(): void {
    if (!this.#isWaiting || !this.ready) return;
    this.#isWaiting = false;
    this.#session?.flush();
  }

  /** The client is gone, or the pipe: all that is not settled is not whole, newest first (DL-8). */
  lose(mayHaveArrived: boolean): void {
    this.#state = 'gone';
    const lost = [...this.#unsettled.values()].reverse();
    this.#unsettled.clear();
    this.#over(this);
    for (const { batch, handover } of lost) handover?.settled(batch, false, mayHaveArrived);
  }

  // A socket or stream stays until the other node says that its client is gone.
  #finish(): void {
    if (this.shape === 'exchange' && this.#state !== 'open' && this.#unsettled.size === 0) this.#over(this);
  }

  #remember(batch: readonly Outgoing[], handover: Handover | undefined, bytes: number): void {
    this.#sent += 1;
    this.#unsettled.set(this.#sent, { batch, handover, bytes });
    this.#unsettledBytes += bytes;
  }
}

/** The messages, one a line. */
function bodyOf(batch: readonly Outgoing[]): string {
  let body = '';
  for (let at = 0; at < batch.length; at += 1) {
    const json = batch[at]?.json ?? '';
    const line = json.includes('\n') ? JSON.stringify(JSON.parse(json)) : json;
    body = at === 0 ? line : `${body}\n${line}`;
  }
  return body;
}

function requestOf(info: string): RequestInfo {
  const request: RequestInfo = JSON.parse(info);
  Object.freeze(request.headers);
  Object.freeze(request.cookies);
  return Object.freeze(request);
}

/** Reads what the other node says of a conduit. Throws `FrameError`. */
export function openingOf(text: string): Opening {
  const list = parsed(text);
  if (!isOpening(list)) throw new FrameError('a request is not described as this format has it');
  return list;
}

function isOpening(list: unknown): list is Opening {
  if (!Array.isArray(list)) return false;
  const [shape, transport, http2, address, maxBytes, browser, isPart, isTaken, takesEvents]: unknown[] = list;
  return (
    (shape === 'exchange' || shape === 'socket' || shape === 'stream') &&
    typeof transport === 'string' &&
    typeof http2 === 'boolean' &&
    typeof address === 'string' &&
    typeof maxBytes === 'number' &&
    (browser === null || typeof browser === 'string') &&
    typeof isPart === 'boolean' &&
    typeof isTaken === 'boolean' &&
    typeof takesEvents === 'boolean'
  );
}
