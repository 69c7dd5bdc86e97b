import { parsed } from '../lib/parsed.ts';
import {
  type CloseReason,
  type Conduit,
  type ConduitOwner,
  type EndReason,
  type Handover,
  noEnds,
} from '../ports/conduit.ts';
import type { Reply } from '../protocol/message.ts';
import { Outgoing } from '../protocol/outgoing.ts';
import { FrameError, kinds } from './frames.ts';
import type { Pipe } from './pipe.ts';
import type { Opening } from './remote-conduit.ts';

/** A message that another node has encoded. */
class Encoded extends Outgoing {
  readonly #text: string;

  constructor(json: string) {
    super();
    this.#text = json;
  }

  override get json(): string {
    return this.#text;
  }

  override get isEncoded(): boolean {
    return true;
  }

  get message(): Reply {
    return JSON.parse(this.#text);
  }
}

/**
 * A conduit of this node that another node serves, whose sessions it names. Writes to the conduit what the other node sends, and
 * tells it what became of that. As the owner of a socket, it stands for the session there.
 */
export class Edge implements ConduitOwner {
  readonly conduit: Conduit;
  readonly #number: number;
  readonly #pipe: Pipe;
  readonly #over: (edge: Edge) => void;
  // The batches of a socket that are not carried out yet.
  readonly #atWork = new Map<number, () => void>();
  #batches = 0;
  #isOver = false;
  id = '';
  readonly waitingBytes = 0;

  /** `over` is called when the conduit need not be served any more. */
  constructor(conduit: Conduit, number: number, pipe: Pipe, over: (edge: Edge) => void) {
    this.conduit = conduit;
    this.#number = number;
    this.#pipe = pipe;
    this.#over = over;
  }

  get number(): number {
    return this.#number;
  }

  /** Forwards a batch. Resolves when it is on its way; for a socket, when it was carried out. */
  forward(batch: string): Promise<void> {
    if (!this.#pipe.fits(batch)) {
      this.conduit.end('failed');
      if (this.#batches === 0) this.#finish();
      return Promise.resolve();
    }
    const isFirst = this.#batches === 0;
    this.#batches += 1;
    if (isFirst) this.#pipe.send(kinds.request, this.#number, this.#description, batch);
    else this.#pipe.send(kinds.batch, this.#number, this.#isTaken ? '1' : '', batch);
    if (this.conduit.shape !== 'socket') return Promise.resolve();
    const number = this.#batches;
    return new Promise((resolve) => this.#atWork.set(number, resolve));
  }

  /** Asks for a stream of the session with this clientId. */
  join(clientId: string): void {
    this.#pipe.send(kinds.stream, this.#number, this.#description, clientId);
  }

  /** The other node has answered, or has events. `text`: the number of the batch if the other node wants to know what becomes of it. */
  send(number: string, body: string): void {
    const { conduit } = this;
    const batch = body.split('\n').map((json) => new Encoded(json));
    conduit.send(batch, number === '' ? undefined : this.#handover(number));
    if (number === '') this.#finish();
  }

  /** The other node ends the conduit. */
  end(text: string): void {
    const [reason, why, words, retryAfter] = endingOf(text);
    this.conduit.end(reason, why, words, retryAfter);
    // A socket or stream closes now, and `gone` follows. A response that is overtaken, or the last one, is still to come.
    const isOver = reason !== 'disconnected' && reason !== 'overtaken';
    if (isOver && this.conduit.shape === 'exchange') this.#finish();
  }

  /** A session of the other node takes the socket. */
  bind(id: string): void {
    const { conduit } = this;
    this.id = id;
    if (!conduit.alive || conduit.session === this) return;
    conduit.session?.cede(conduit);
    conduit.session = this;
  }

  unbind(): void {
    if (this.conduit.session === this) this.conduit.session = undefined;
  }

  /** The other node has carried out a batch. */
  done(number: string): void {
    const resolve = this.#atWork.get(Number(number));
    this.#atWork.delete(Number(number));
    resolve?.();
  }

  /** The client is gone. */
  gone(): void {
    this.#pipe.send(kinds.gone, this.#number);
    this.#finish();
  }

  /** The pipe broke (CL-2): what was on its way ends with 503. A socket that waits for nothing stays. */
  broken(): void {
    const { conduit } = this;
    const isIdle = conduit.shape === 'socket' && conduit.session !== this && this.#atWork.size === 0;
    this.#finish();
    if (!isIdle) conduit.end('capacity', undefined, 'the connection to the node of the session broke', 1000);
  }

  // Nothing to do: an event is settled when it was written, and that tells the other node to go on.
  flush(): void {}

  // `gone` tells the other node.
  lost(): void {}

  cede(): void {
    this.#pipe.send(kinds.cede, this.#number);
  }

  vacate(): void {
    this.#pipe.send(kinds.vacate, this.#number);
    this.unbind();
  }

  get #isTaken(): boolean {
    return this.conduit.session !== undefined && this.conduit.session !== this;
  }

  get #description(): string {
    const { shape, transport, http2, address, maxBytes, browser = null, maxEvents, request } = this.conduit;
    const { isPart = false } = this.conduit;
    const state = [isPart, this.#isTaken, maxEvents !== 0] as const;
    const opening: Opening = [shape, transport, http2, address, maxBytes, browser, ...state];
    const info = withoutIds(JSON.stringify(request), this.#pipe.peer);
    return `${JSON.stringify(opening)}\n${info}`;
  }

  #handover(number: string): Handover {
    return {
      settled: (_batch, whole, mayHaveArrived = false) => {
        if (this.#isOver) return;
        this.#pipe.send(kinds.settled, this.#number, `${number},${whole ? 1 : 0},${mayHaveArrived ? 1 : 0}`);
        if (this.conduit.shape === 'exchange') this.#finish();
      },
      moved: () => this.#pipe.send(kinds.moved, this.#number),
      sentLarge: (bytes) => this.#pipe.send(kinds.large, this.#number, String(bytes)),
    };
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.unbind();
    for (const resolve of this.#atWork.values()) resolve();
    this.#atWork.clear();
    this.#over(this);
  }
}

/** Length of a public id without the tag. A clientId is longer. */
const PUBLIC = 16;

// A proxy may put the URL of a stream, or the messages of a JSONP call, into a header: the clientId is removed there.
function withoutIds(info: string, node: string): string {
  if (!info.includes(node)) return info;
  return info.replaceAll(new RegExp(`${node}[0-9a-f]{${PUBLIC + 1},}`, 'g'), '');
}

const endReasons: readonly EndReason[] = [
  'disconnected',
  'replaced',
  'overtaken',
  'capacity',
  'shutdown',
  'failed',
];

type End = readonly [EndReason, CloseReason | undefined, string | undefined, number | undefined];

function endingOf(text: string): End {
  const list = parsed(text);
  if (!Array.isArray(list)) throw new FrameError('an end is no list');
  const [reason, why, words, retryAfter]: unknown[] = list;
  const known = endReasons.find((one) => one === reason);
  if (known === undefined) throw new FrameError('an end has no known reason');
  return [
    known,
    isCloseReason(why) ? why : undefined,
    typeof words === 'string' ? words : undefined,
    typeof retryAfter === 'number' ? retryAfter : undefined,
  ];
}

function isCloseReason(value: unknown): value is CloseReason {
  return typeof value === 'string' && Object.hasOwn(noEnds, value);
}
