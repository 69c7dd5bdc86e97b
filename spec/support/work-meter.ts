import { createHook } from 'node:async_hooks';
import type { Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { resolve } from 'node:path';
import { AcceptedReply } from '../../src/protocol/outgoing.ts';

/** What the server did, counted instead of timed. */
export interface Work {
  /** Texts made of events. */
  events: number;
  /** Texts made of replies. */
  replies: number;
  /** What sockets were given to write: strings, and buffers, of which one that several sockets share counts once. */
  frames: number;
  /** Times that something was given to a socket's own write, which calls the operating system. */
  writes: number;
  /** Promises made, by whatever is called from the source. */
  promises: number;
}

const source = resolve('src');

/** Counts what a server does for its sockets. Its clients may live in the same process: what they do does not count. */
export class WorkMeter {
  #work: Work = none();
  #buffers = new Set<Buffer>();

  /** Has to be made before the first client connects. */
  constructor(http: HttpServer) {
    http.on('connection', (socket) => this.#watch(socket));
  }

  /** What is done from the start of `begin` until it is `done`, and a few turns later. */
  async count(begin: () => void, done: () => boolean): Promise<Work> {
    const { stringify } = JSON;
    const { stackTraceLimit } = Error;
    const promises = createHook({ init: (_id, type) => this.#noteInit(type) });
    const noting: typeof stringify = (value, ...rest: never[]) => {
      this.#noteText(value);
      return stringify(value, ...rest);
    };
    this.#work = none();
    this.#buffers = new Set();
    JSON.stringify = noting;
    const encode = this.#noteAccepted();
    Error.stackTraceLimit = 50;
    promises.enable();
    try {
      begin();
      await turnsUntil(done);
    } finally {
      promises.disable();
      Error.stackTraceLimit = stackTraceLimit;
      JSON.stringify = stringify;
      Reflect.set(AcceptedReply.prototype, 'encode', encode);
    }
    return { ...this.#work, frames: this.#work.frames + this.#buffers.size };
  }

  // Their texts are put together without `JSON.stringify`. Returns what puts them together.
  #noteAccepted(): (this: AcceptedReply) => string {
    const encode: (this: AcceptedReply) => string = Reflect.get(AcceptedReply.prototype, 'encode');
    const note = (): void => {
      this.#work.replies += 1;
    };
    Reflect.set(AcceptedReply.prototype, 'encode', function (this: AcceptedReply): string {
      note();
      return encode.call(this);
    });
    return encode;
  }

  #watch(socket: Socket): void {
    const write = socket._write.bind(socket);
    const writev = socket._writev?.bind(socket);
    socket._write = (chunk, encoding, callback) => {
      this.#noteWrite([chunk]);
      write(chunk, encoding, callback);
    };
    socket._writev = (chunks, callback) => {
      this.#noteWrite(chunks.map(({ chunk }) => chunk));
      writev?.(chunks, callback);
    };
  }

  #noteWrite(chunks: readonly unknown[]): void {
    this.#work.writes += 1;
    for (const chunk of chunks) {
      if (Buffer.isBuffer(chunk)) this.#buffers.add(chunk);
      else this.#work.frames += 1;
    }
  }

  #noteText(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if ('data' in value) this.#work.events += 1;
    else if ('successful' in value) this.#work.replies += 1;
  }

  #noteInit(type: string): void {
    if (type === 'PROMISE' && new Error().stack?.includes(source)) this.#work.promises += 1;
  }
}

function none(): Work {
  return { events: 0, replies: 0, frames: 0, writes: 0, promises: 0 };
}

/** As `until` and `settle`, without a promise for each turn. */
function turnsUntil(done: () => boolean): Promise<void> {
  const end = performance.now() + 2000;
  return new Promise((resolve, reject) => {
    let left = 3;
    const look = (): void => {
      if (performance.now() > end) reject(new Error(`this never came true: ${done}`));
      else if (left === 0) resolve();
      else {
        if (done()) left -= 1;
        setImmediate(look);
      }
    };
    look();
  });
}
