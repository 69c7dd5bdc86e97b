import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../lib/clock.ts';
import { type Frame, FrameError, FrameReader, FrameWriter, type Kind, kinds } from './frames.ts';
import type { Pipe } from './pipe.ts';
import { tlsProblem } from './tls-problem.ts';
import { commonFormat, type Greetings, type Hello, helloOf, proofOf, proves } from './proof.ts';

/** The formats that this build can read and write. */
const FORMATS = [1, 1] as const;

/** Largest frame before the peer has proved that it knows the secret, and after. Bytes. */
const GREETING_BYTES = 1024;
const FRAME_BYTES = 67_108_864;
/** Largest batch, which leaves room for what is said of it. Bytes. */
const BATCH_BYTES = FRAME_BYTES - 1_048_576;

/** How long a new connection may take to be open. Milliseconds. */
const GREETING_TIME = 5_000;
/** Time between two looks at whether the peer is there. One that was silent for two of them is gone. Milliseconds. */
const PING = 2_000;

/** Unsent bytes above which events wait in the queues of their sessions. */
const FULL = 1_048_576;
/** Unsent bytes above which the link is cut: the peer does not read. */
const MAX_UNSENT = 2 * FRAME_BYTES;

/** Why a connection is refused, as the peer is told. */
const refusals = {
  secret: 'the other node has another secret: set the same "cluster.secret" on all nodes',
  format: 'the other node knows no format of links that this node knows: upgrade the older one',
  name: 'another node answers at this address: each "cluster.advertise" must lead to one node alone',
  duplicate: 'there is a link between the two already',
} as const;

export type Refusal = keyof typeof refusals;

/** Why a link ended, and what is logged of it. */
export interface Ending {
  readonly why: string;
  /** Set if a side refused the other. */
  readonly refusal?: Refusal;
  /** Set if the peer sent what it must not send, or TLS refused it. */
  readonly fault?: 'frame' | 'certificate';
}

/** What the user of a link hears of it. */
export interface LinkOwner {
  /** Both sides have proved that they know the secret, and this side decides: whether this connection becomes the link. */
  accepts(link: Link): boolean;
  opened(link: Link): void;
  /** Throws `FrameError` for what it cannot read. */
  frame(frame: Frame): void;
  /** All was written: there is room for more. */
  drained(): void;
  /** A batch was not sent, since it has more than so many bytes. */
  oversized(limit: number): void;
  closed(link: Link, ending: Ending): void;
}

/** The parts of a new link. */
export interface LinkInit {
  readonly socket: Socket;
  readonly role: keyof Greetings;
  /** The name of this node. */
  readonly node: string;
  /** The name of the other one, if this side dialed. */
  readonly peer?: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly owner: LinkOwner;
  readonly formats?: readonly [min: number, max: number];
}

/**
 * One connection between two nodes.
 *
 *              sends                   waits for
 *   greeting   hello                   hello
 *   proving    proof (dialer first)    proof
 *   proven     go (lower name alone)   go (higher name alone)
 *   open       frames, pings
 *   closed
 *
 * Both nodes may dial at the same time. The one with the lower name decides which connection becomes the link, so that there is one.
 */
export class Link implements Pipe {
  readonly #socket: Socket;
  readonly #role: keyof Greetings;
  readonly #node: string;
  readonly #secret: string;
  readonly #clock: Clock;
  readonly #reader = new FrameReader(GREETING_BYTES);
  readonly #writer = new FrameWriter();
  readonly #hello: Hello;
  #owner: LinkOwner;
  #peer: string | undefined;
  #greetings: Greetings | undefined;
  #state: 'greeting' | 'proving' | 'proven' | 'open' | 'closed' = 'greeting';
  #timer: Timer | undefined;
  #isFlushing = false;
  #silence = 0;
  #ending: Ending | undefined;
  /** What both write; 0 until the link is open. */
  format = 0;

  constructor({ socket, role, node, peer, secret, clock, owner, formats = FORMATS }: LinkInit) {
    this.#socket = socket;
    this.#role = role;
    this.#node = node;
    this.#peer = peer;
    this.#secret = secret;
    this.#clock = clock;
    this.#owner = owner;
    this.#hello = { formats: [formats[0], formats[1]], node, nonce: randomBytes(32).toString('hex') };
    socket.setNoDelay(true);
    socket
      .on('data', this.#read)
      .on('drain', this.#drained)
      .on('close', this.#closed)
      .on('error', this.#failed);
    this.#timer = clock.after(GREETING_TIME, () =>
      this.cut({ why: 'the other side did not say who it is in time' }),
    );
    this.send(kinds.hello, 0, JSON.stringify(this.#hello));
  }

  /** The name of the other node, once it has said it. */
  get peer(): string {
    return this.#peer ?? '';
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get isFull(): boolean {
    return this.#unsent > FULL;
  }

  /** Passes what comes from now on to another owner. */
  set owner(owner: LinkOwner) {
    this.#owner = owner;
  }

  send(kind: Kind, id: number, head?: string, body?: string): void {
    if (this.#state === 'closed') return;
    this.#writer.add(kind, id, head, body);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#clock.soon(this.#flush);
  }

  fits(batch: string): boolean {
    if (3 * batch.length <= BATCH_BYTES || Buffer.byteLength(batch) <= BATCH_BYTES) return true;
    this.#owner.oversized(BATCH_BYTES);
    return false;
  }

  /** Looks at once whether the peer is still there. */
  check(): void {
    if (this.#state === 'open') this.send(kinds.ping, 0);
  }

  /** Ends the connection and drops what is unsent. */
  cut(ending: Ending): void {
    this.#ending ??= ending;
    this.#socket.destroy();
    this.#end();
  }

  /** Ends the connection after what was sent. */
  close(ending: Ending): void {
    this.#ending ??= ending;
    this.#flush();
    this.#socket.end();
    this.#end();
  }

  get #unsent(): number {
    return this.#socket.writableLength + this.#writer.bytes;
  }

  readonly #flush = (): void => {
    this.#isFlushing = false;
    if (this.#state === 'closed') return;
    for (const bytes of this.#writer.take()) this.#socket.write(bytes);
    if (this.#unsent > MAX_UNSENT)
      this.cut({ why: `the other node does not read: ${MAX_UNSENT} bytes are unsent` });
  };

  readonly #drained = (): void => {
    if (this.#state === 'open') this.#owner.drained();
  };

  readonly #failed = (error: Error): void => {
    const problem = tlsProblem(error);
    this.#ending ??= problem === undefined ? { why: error.message } : { why: problem, fault: 'certificate' };
  };

  readonly #closed = (): void => {
    this.#ending ??= { why: 'the other side closed the connection' };
    this.#end();
  };

  readonly #read = (chunk: Buffer): void => {
    this.#silence = 0;
    try {
      this.#reader.read(chunk, this.#take);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.cut({ why: `the other side sent what is no frame of a link: ${error.message}`, fault: 'frame' });
    }
  };

  // A link that was ended while frames of one chunk were read takes no more of them.
  readonly #take = (frame: Frame): void => {
    if (this.#state === 'open') this.#takeOpen(frame);
    else if (this.#state === 'greeting') this.#greeted(frame);
    else if (this.#state === 'proving') this.#proved(frame);
    else if (this.#state === 'proven') this.#decided(frame);
  };

  #takeOpen(frame: Frame): void {
    if (frame.kind === kinds.ping) this.send(kinds.pong, 0);
    else if (frame.kind !== kinds.pong) this.#owner.frame(frame);
  }

  #greeted(frame: Frame): void {
    if (this.#isRefused(frame)) return;
    const hello = frame.kind === kinds.hello ? helloOf(frame.head) : undefined;
    if (hello === undefined) throw new FrameError('its first frame is no hello');
    const [dialer, listener] = this.#role === 'dialer' ? [this.#hello, hello] : [hello, this.#hello];
    const greetings = { dialer, listener };
    const isOther = (this.#peer !== undefined && this.#peer !== hello.node) || hello.node === this.#node;
    const format = commonFormat(greetings);
    if (isOther || format === undefined) this.#refuse(isOther ? 'name' : 'format');
    else this.#goOn(hello.node, greetings, format);
  }

  #goOn(peer: string, greetings: Greetings, format: number): void {
    this.#peer = peer;
    this.#greetings = greetings;
    this.format = format;
    this.#state = 'proving';
    if (this.#role === 'dialer') this.#prove(greetings);
  }

  #prove(greetings: Greetings): void {
    this.send(kinds.proof, 0, proofOf(this.#role, greetings, this.#secret));
  }

  #proved(frame: Frame): void {
    if (this.#isRefused(frame)) return;
    const greetings = this.#greetings;
    if (frame.kind !== kinds.proof || greetings === undefined)
      throw new FrameError('its second frame is no proof');
    const other = this.#role === 'dialer' ? 'listener' : 'dialer';
    if (!proves(frame.head, proofOf(other, greetings, this.#secret))) {
      this.#refuse('secret');
      return;
    }
    this.#state = 'proven';
    if (this.#role === 'listener') this.#prove(greetings);
    if (this.#node < this.peer) this.#decide();
  }

  #decide(): void {
    if (this.#owner.accepts(this)) {
      this.send(kinds.go, 0);
      this.#open();
    } else this.#refuse('duplicate');
  }

  #decided(frame: Frame): void {
    if (this.#isRefused(frame)) return;
    if (frame.kind !== kinds.go || this.#node < this.peer) throw new FrameError('its third frame is no go');
    this.#open();
  }

  #open(): void {
    this.#state = 'open';
    this.#reader.maxBytes = FRAME_BYTES;
    this.#timer?.cancel();
    this.#pingLater();
    this.#owner.opened(this);
  }

  #refuse(refusal: Refusal): void {
    this.send(kinds.refuse, 0, refusal);
    this.close({ why: refusals[refusal], refusal });
  }

  #isRefused({ kind, head }: Frame): boolean {
    if (kind !== kinds.refuse) return false;
    if (!isRefusal(head)) throw new FrameError('it refuses for no known reason');
    this.cut({ why: refusals[head], refusal: head });
    return true;
  }

  #pingLater(): void {
    this.#timer = this.#clock.after(PING, () => {
      this.#silence += 1;
      if (this.#silence > 2) {
        this.cut({ why: `the other node has been silent for ${2 * PING} ms` });
        return;
      }
      this.send(kinds.ping, 0);
      this.#pingLater();
    });
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer?.cancel();
    this.#owner.closed(this, this.#ending ?? { why: 'closed' });
  }
}

function isRefusal(text: string): text is Refusal {
  return Object.hasOwn(refusals, text);
}
