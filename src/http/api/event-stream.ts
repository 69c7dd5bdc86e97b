import type { Response } from 'express';
import type { Clock } from '../../lib/clock.ts';

const TYPE = 'text/event-stream';

/** Unsent bytes of a stream at which further events are dropped. */
const MAX_UNSENT = 262_144;

/** The time between two looks at whether the stream may go on. Milliseconds. */
const LOOK_EVERY = 1_000;
/** A comment is written so often, so that proxies keep a connection without events: after so many looks. */
const BEAT_AFTER = 15;

/** Why a stream ends. */
interface End {
  readonly code: string;
  readonly detail: string;
}

/** Where a source puts its events. */
interface Sink {
  /** Puts an event into the stream, or drops it while too much is unsent. `text` is JSON, made only for an event that is not dropped. */
  push(text: () => string): void;
  /** Ends the stream after what was pushed. */
  end(why: End): void;
}

/** Begins to push events; returns the function that ends that. */
export type Source = (sink: Sink) => () => void;

/** An answer that is a stream of server-sent events, as a route returns it. */
export class StreamAnswer {
  readonly #source: Source;
  readonly #closed: () => void;

  /** `closed` is called when the stream has ended. */
  constructor(source: Source, closed: () => void) {
    this.#source = source;
    this.#closed = closed;
  }

  /** Sends the stream. `look` says whether the stream has to end now; `isBeat` is true once in 15 seconds. */
  send(res: Response, clock: Clock, look: (isBeat: boolean) => Promise<End | undefined>): void {
    if (res.closed || res.req.method === 'HEAD') {
      this.#closed();
      res.type(TYPE).end();
      return;
    }
    const stream = new EventStream(res, clock);
    const stop = this.#source(stream);
    const watch = stream.watch(look);
    res
      .on('error', () => res.destroy())
      .on('close', () => {
        stop();
        watch();
        this.#closed();
      });
  }
}

/** Server-sent events on one response. What is pushed in one turn of the event loop is one write. */
class EventStream implements Sink {
  readonly #res: Response;
  readonly #clock: Clock;
  #gathered = '';
  #dropped = 0;
  #isEnded = false;

  constructor(res: Response, clock: Clock) {
    this.#res = res;
    this.#clock = clock;
    // Nginx would wait until it has a bufferful.
    res.type(TYPE).set('X-Accel-Buffering', 'no');
    res.write(': open\n\n');
  }

  push(text: () => string): void {
    if (this.#isEnded) return;
    if (this.#res.writableLength + this.#gathered.length > MAX_UNSENT) {
      this.#dropped += 1;
      return;
    }
    this.#gather(this.#gap() + frame('event', text()));
  }

  end({ code, detail }: End): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#res.end(this.#gathered + this.#gap() + frame('end', JSON.stringify({ code, detail })));
    this.#gathered = '';
  }

  /** Looks every second, until the returned function is called. */
  watch(look: (isBeat: boolean) => Promise<End | undefined>): () => void {
    let looks = 0;
    const next = () => this.#clock.after(LOOK_EVERY, () => void turn());
    let timer = next();
    let isOver = false;
    const turn = async (): Promise<void> => {
      looks += 1;
      const isBeat = looks % BEAT_AFTER === 0;
      const end = await look(isBeat);
      if (isOver) return;
      if (end !== undefined) return this.end(end);
      if (isBeat) this.#gather(': beat\n\n');
      this.#gather(this.#res.writableLength > MAX_UNSENT ? '' : this.#gap());
      timer = next();
    };
    return () => {
      isOver = true;
      timer.cancel();
    };
  }

  #gap(): string {
    if (this.#dropped === 0) return '';
    const text = frame('dropped', JSON.stringify({ count: this.#dropped }));
    this.#dropped = 0;
    return text;
  }

  #gather(text: string): void {
    if (text === '') return;
    if (this.#gathered === '') this.#clock.soon(() => this.#write());
    this.#gathered += text;
  }

  #write(): void {
    if (this.#gathered !== '' && !this.#isEnded) this.#res.write(this.#gathered);
    this.#gathered = '';
  }
}

/** JSON has no line breaks, so it is one line of data. */
const frame = (event: string, json: string) => `event: ${event}\ndata: ${json}\n\n`;
