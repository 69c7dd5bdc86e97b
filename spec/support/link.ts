import { Duplex } from 'node:stream';

/** What the client has at its end of a link. */
export interface Reader {
  /** Bytes came. */
  read(bytes: Buffer): void;
  /** The connection broke, or the server ended it. */
  closed(): void;
}

interface Write {
  /** The last of its bytes, counted from the first byte ever written. */
  readonly end: number;
  readonly done: (error?: Error | null) => void;
}

/**
 * A TCP connection in memory, with a client's hand on every byte. The server is given `far`, by `emit('connection', far)`.
 *
 *     server writes ──▶ network: holds `room` bytes ──▶ client reads, as far as the link lets them pass
 *
 * A write is done, for the server, when the network has taken all of it: with no room that is when the client has read it. A dark link
 * passes nothing either way, and shows neither FIN nor RST. One that was left stays dark on the client's side for good.
 */
export class Link {
  readonly far: Duplex;
  readonly #reader: Reader;
  readonly #room: number;
  /** What was written and not read yet, oldest first, and how much of it may pass. Bytes. */
  #waiting: Buffer[] = [];
  #mayPass = Number.POSITIVE_INFINITY;
  #written = 0;
  #read = 0;
  #write: Write | undefined;
  /** What the client wrote while nothing passed. */
  #asked: Buffer[] = [];
  #state: 'open' | 'left' | 'closed' = 'open';

  constructor(room: number, cancelled: 'as sockets do' | 'as handles do', reader: Reader) {
    this.#room = room;
    this.#reader = reader;
    this.far = new Far({
      write: (bytes, done) => this.#take(bytes, done),
      ended: () => this.#serverEnded(),
      destroyed: (done) => this.#serverDestroyed(cancelled, done),
    });
  }

  /** Whether the client may still hear something by it, as far as the client knows. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether not all passes. */
  get isDark(): boolean {
    return this.#mayPass < Number.POSITIVE_INFINITY;
  }

  /** The client writes. */
  write(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    this.#asked.push(bytes);
    if (!this.isDark) this.#ask();
  }

  darken(): void {
    this.#mayPass = 0;
  }

  /** Lets so many more bytes pass to the client; all that it wrote passes too. */
  trickle(bytes: number): void {
    if (this.#state !== 'open') return;
    this.#mayPass += bytes;
    this.#ask();
    this.#pass();
  }

  recover(): void {
    this.trickle(Number.POSITIVE_INFINITY);
  }

  /** The client gives up on it, and the server hears nothing of that. */
  leave(): void {
    if (this.#state !== 'open') return;
    this.#state = 'left';
    this.#mayPass = 0;
  }

  /** What the client wrote arrives after all, though it has left. */
  arriveLate(): void {
    if (this.#state === 'left') this.#ask();
  }

  /** The connection breaks for both, with what the network held. */
  cut(how: 'reset' | 'end'): void {
    this.#lose();
    if (this.far.destroyed) return;
    if (how === 'reset') this.far.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    else {
      this.far.push(null);
      setImmediate(() => this.far.destroy());
    }
  }

  #ask(): void {
    const asked = this.#asked;
    this.#asked = [];
    if (!this.far.destroyed) for (const bytes of asked) this.far.push(bytes);
  }

  #take(bytes: Buffer, done: Write['done']): void {
    this.#waiting.push(bytes);
    this.#written += bytes.length;
    this.#write = { end: this.#written, done };
    this.#pass();
  }

  #pass(): void {
    const count = Math.min(this.#mayPass, this.#written - this.#read);
    if (count > 0) {
      const all = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
      this.#waiting = all === undefined || all.length === count ? [] : [all.subarray(count)];
      this.#mayPass -= count;
      this.#read += count;
      if (this.#state === 'open' && all !== undefined) this.#reader.read(all.subarray(0, count));
    }
    const write = this.#write;
    if (write !== undefined && write.end - this.#read <= this.#room) {
      this.#write = undefined;
      write.done();
    }
    if (this.far.destroyed && this.#written === this.#read) this.#lose();
  }

  #serverEnded(): void {
    // Nothing more will come: a client hangs up when it has read all.
    setImmediate(() => this.far.destroy());
  }

  // What the network has taken still arrives; the rest is lost.
  #serverDestroyed(cancelled: 'as sockets do' | 'as handles do', done: () => void): void {
    const write = this.#write;
    this.#write = undefined;
    const kept = Math.min(this.#room, this.#written - this.#read);
    const all = Buffer.concat(this.#waiting);
    this.#waiting = [all.subarray(0, kept)];
    this.#written = this.#read + kept;
    setImmediate(() => {
      // A socket of Node that was destroyed reports its last write as done.
      write?.done(cancelled === 'as sockets do' ? null : new Error('cancelled'));
      done();
      this.#pass();
    });
  }

  #lose(): void {
    this.#waiting = [];
    this.#written = this.#read;
    this.#mayPass = 0;
    if (this.#state === 'closed') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'closed';
    if (wasOpen) this.#reader.closed();
  }
}

interface FarEnd {
  write(bytes: Buffer, done: Write['done']): void;
  ended(): void;
  destroyed(done: () => void): void;
}

/** The server's end: what Node takes for a socket. */
class Far extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  readonly #end: FarEnd;

  constructor(end: FarEnd) {
    super({ allowHalfOpen: true });
    this.#end = end;
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Write['done']): void {
    this.#end.write(bytes, done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Write['done']): void {
    this.#end.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    done();
    this.#end.ended();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#end.destroyed(() => done(error));
  }
}
