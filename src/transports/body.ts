import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { Server } from './options.ts';
import type { Clock } from '../lib/clock.ts';
import { Gathered } from './gathered.ts';
import { HttpError, type HttpRequest, tooLarge } from './http.ts';
import { addressOf } from './request-info.ts';

/** How long what is left of a body that was refused is read and thrown away, so that the answer arrives. Milliseconds. */
const LINGER = 5000;

/** Reads the bytes of a body, decompressed. Throws `HttpError`; a body over `maxMessageSize`, or one there is no room for, is refused while it comes in. */
export function readBody(req: HttpRequest, server: Server): Promise<Buffer> {
  const encoding = req.headers['content-encoding'] ?? '';
  if (encoding === '' || encoding === 'identity') return readBytes(req, server);
  const decompress = decompressors.get(encoding.toLowerCase());
  if (decompress !== undefined)
    return readBytes(req, server).then((bytes) => counted(bytes, decompress, server));
  discard(req, server.clock);
  return Promise.reject(new HttpError(415, 'Unsupported content encoding: send gzip, deflate or none'));
}

/** The text of a body. Throws `HttpError` 400 when it is not UTF-8 (MSG-11). */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new HttpError(400, 'Bad request: the body is not UTF-8');
  return bytes.toString();
}

function readBytes(req: HttpRequest, server: Server): Promise<Buffer> {
  const { clock, options } = server;
  const max = options.maxMessageSize;
  return new Promise((resolve, reject) => {
    const length = Number(req.headers['content-length']);
    if (length > max) {
      discard(req, clock);
      reject(tooLarge(options));
      return;
    }
    // A small body comes with its head, and by then is there whole: no listener is needed.
    process.nextTick(() => {
      const all = req.readableLength === length && length > 0 ? req.read() : null;
      if (Buffer.isBuffer(all)) resolve(all);
      else new Collector(req, server, resolve, reject);
    });
  });
}

// What went wrong with a request is told by its close.
const ignore = (): void => {};

/** Throws away what still comes of a body. Who never ends is cut off: a reset at once would take the answer with it. */
export function discard(req: HttpRequest, clock: Clock): void {
  req.on('error', ignore);
  req.resume();
  const timer = clock.after(LINGER, () => void req.destroy());
  req.on('close', () => timer.cancel());
}

/** Puts a body together as it comes, as long as there is room for it. The request, which lasts until it is answered, keeps none of it. */
class Collector {
  readonly #req: HttpRequest;
  readonly #server: Server;
  readonly #resolve: (bytes: Buffer) => void;
  readonly #reject: (error: HttpError) => void;
  readonly #gathered: Gathered;
  // As much as the intake counts. Bytes.
  #size = 0;

  constructor(
    req: HttpRequest,
    server: Server,
    resolve: (bytes: Buffer) => void,
    reject: (error: HttpError) => void,
  ) {
    this.#req = req;
    this.#server = server;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#gathered = new Gathered(server.options.maxMessageSize);
    req.on('data', this.#take).on('end', this.#finish).on('close', this.#breakOff).on('error', ignore);
  }

  readonly #take = (chunk: Buffer): void => {
    const { options } = this.#server;
    const size = this.#gathered.sizeWith(chunk.length);
    if (this.#gathered.length + chunk.length > options.maxMessageSize) this.#refuse(tooLarge(options));
    else if (!this.#hasRoomFor(size)) this.#refuse(this.#noRoom());
    else {
      this.#gathered.add(chunk);
      this.#count(size);
    }
  };

  readonly #finish = (): void => {
    this.#letGo();
    this.#resolve(this.#gathered.bytes);
  };

  readonly #breakOff = (): void => {
    this.#letGo();
    this.#reject(new HttpError(400, 'Bad request: the body broke off', { quiet: true }));
  };

  #refuse(error: HttpError): void {
    this.#letGo();
    discard(this.#req, this.#server.clock);
    this.#reject(error);
  }

  #noRoom(): HttpError {
    return new HttpError(503, `Service unavailable: ${this.#server.intake.full}`, { quiet: true });
  }

  #hasRoomFor(size: number): boolean {
    const { intake, options } = this.#server;
    const more = size - this.#size;
    return more <= 0 || intake.hasRoomFor(more, addressOf(this.#req, options.trustProxy));
  }

  #letGo(): void {
    this.#req.off('data', this.#take).off('end', this.#finish).off('close', this.#breakOff);
    this.#count(0);
  }

  #count(size: number): void {
    this.#server.intake.add(size - this.#size);
    this.#size = size;
  }
}

type Decompress = (bytes: Buffer, limits: { readonly maxMessageSize: number }) => Promise<Buffer>;

// What waits for a thread is counted as well.
async function counted(bytes: Buffer, decompress: Decompress, { intake, options }: Server): Promise<Buffer> {
  intake.add(bytes.length);
  try {
    return await decompress(bytes, options);
  } finally {
    intake.add(-bytes.length);
  }
}

function decompressor(
  work: (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>,
): Decompress {
  return async (bytes, limits) => {
    try {
      return await work(bytes, { maxOutputLength: limits.maxMessageSize });
    } catch (error) {
      throw error instanceof RangeError
        ? tooLarge(limits)
        : new HttpError(400, 'Bad request: the body cannot be decompressed');
    }
  };
}

const decompressors = new Map<string, Decompress>([
  ['gzip', decompressor(promisify(gunzip))],
  ['x-gzip', decompressor(promisify(gunzip))],
  ['deflate', decompressor(promisify(inflate))],
]);
