import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { Server } from './options.ts';
import type { Clock } from '../lib/clock.ts';
import { valuesOf } from './form.ts';
import { Gathered } from '../lib/gathered.ts';
import { HttpError, type HttpRequest, tooLarge } from './http.ts';
import { addressOf } from './request-info.ts';

/** After refusing a body, the server reads and discards the rest for this long, so that the answer arrives. Milliseconds. */
const LINGER = 5000;

/** Most chunks of a body that are smaller than this on average. Each chunk costs 2 us, whatever its size. Bytes. */
const MAX_SMALL_CHUNKS = 1000;
const SMALL_CHUNK = 16;

/** Reads and decompresses a body. Rejects with `HttpError`, also for a body above `maxMessageSize` or without room for it. */
export function readBody(req: HttpRequest, server: Server): Promise<Buffer> {
  const encoding = req.headers['content-encoding'] ?? '';
  if (encoding === '' || encoding === 'identity') return readBytes(req, server);
  const decompress = decompressors.get(encoding.toLowerCase());
  if (decompress !== undefined)
    return readBytes(req, server).then((bytes) => decompressCounted(bytes, decompress, server));
  discard(req, server.clock);
  return Promise.reject(new HttpError(415, 'Unsupported content encoding: send gzip, deflate or none'));
}

/** The text of a body. Throws `HttpError` 400 when it is not UTF-8 (MSG-11). */
function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new HttpError(400, 'Bad request: the body is not UTF-8');
  return bytes.toString();
}

/** The JSON texts in a body: the body itself, or the `message` parameters of a form. `type` is its Content-Type in lower case. */
export function textsOf(bytes: Buffer, type: string): string | readonly string[] {
  const json = type.startsWith('application/json') || (!isForm(type) && looksLikeJson(bytes));
  return json ? textOf(bytes) : messagesOf(bytes.toString('latin1'));
}

/** The `message` parameters of a form or query. Throws `HttpError` 400 when there is none. */
export function messagesOf(encoded: string): readonly string[] {
  const messages = valuesOf(encoded, 'message');
  if (messages.length === 0)
    throw new HttpError(400, 'Bad request: the body or query is neither JSON nor has a parameter "message"');
  return messages;
}

/** Whether this Content-Type is that of a form. */
export function isForm(type: string): boolean {
  return type.startsWith('application/x-www-form-urlencoded');
}

const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPENING = new Set([0x5b, 0x7b]);

// LP-3: Faye posts its form as text/plain, and CometD takes JSON that is not labelled at all.
function looksLikeJson(bytes: Buffer): boolean {
  let at = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? BYTE_ORDER_MARK.length : 0;
  while (BLANK.has(bytes[at] ?? 0)) at += 1;
  return OPENING.has(bytes[at] ?? 0);
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
    // A small body comes with its head and is complete by then, so it needs no listener.
    process.nextTick(() => {
      const all = req.readableLength === length && length > 0 ? req.read() : null;
      if (Buffer.isBuffer(all)) resolve(all);
      else new Collector(req, server, resolve, reject);
    });
  });
}

// Nothing to do: `close` follows an error, and is handled.
const ignore = (): void => {};

/** Discards the rest of a body, and cuts the connection if it does not end. An immediate reset would lose the answer. */
export function discard(req: HttpRequest, clock: Clock): void {
  req.on('error', ignore);
  req.resume();
  const timer = clock.after(LINGER, () => void req.destroy());
  req.on('close', () => timer.cancel());
}

/** Collects a body as it arrives, while there is room for it. The request object, which lives longer, does not keep it. */
class Collector {
  readonly #req: HttpRequest;
  readonly #server: Server;
  readonly #resolve: (bytes: Buffer) => void;
  readonly #reject: (error: HttpError) => void;
  readonly #gathered: Gathered;
  #chunks = 0;
  // The bytes that the intake counts for it.
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
    req.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', ignore);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { options } = this.#server;
    const size = this.#gathered.sizeWith(chunk.length);
    if (this.#gathered.length + chunk.length > options.maxMessageSize) this.#refuse(tooLarge(options));
    else if (!this.#hasRoomFor(size)) this.#refuse(this.#noRoom());
    else {
      this.#gathered.add(chunk);
      this.#count(size);
      this.#chunks += 1;
      if (this.#chunks > MAX_SMALL_CHUNKS && this.#gathered.length < this.#chunks * SMALL_CHUNK)
        this.#refuseChunks();
    }
  };

  readonly #onEnd = (): void => {
    this.#stop();
    this.#resolve(this.#gathered.bytes);
  };

  readonly #onClose = (): void => {
    this.#stop();
    this.#reject(new HttpError(400, 'Bad request: the body broke off', { quiet: true }));
  };

  #refuse(error: HttpError): void {
    this.#stop();
    discard(this.#req, this.#server.clock);
    this.#reject(error);
  }

  // The chunks that came in the same turn are read as one: reading each would take the time that the refusal saves.
  #refuseChunks(): void {
    const { clock } = this.#server;
    this.#stop();
    this.#req.pause();
    clock.soon(() => {
      this.#req.read();
      discard(this.#req, clock);
    });
    const why = `the body came in more than ${MAX_SMALL_CHUNKS} chunks of less than ${SMALL_CHUNK} bytes: send larger ones`;
    this.#reject(new HttpError(400, `Bad request: ${why}`, { isLast: true }));
  }

  #noRoom(): HttpError {
    return new HttpError(503, `Service unavailable: ${this.#server.intake.full}`, { quiet: true });
  }

  #hasRoomFor(size: number): boolean {
    const { intake, options } = this.#server;
    const more = size - this.#size;
    return more <= 0 || intake.hasRoomFor(more, addressOf(this.#req, options.trustProxy));
  }

  #stop(): void {
    this.#req.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#count(0);
  }

  #count(size: number): void {
    this.#server.intake.add(size - this.#size);
    this.#size = size;
  }
}

type Decompress = (bytes: Buffer, limits: { readonly maxMessageSize: number }) => Promise<Buffer>;

// A body that waits for a thread is counted as well.
async function decompressCounted(
  bytes: Buffer,
  decompress: Decompress,
  { intake, options }: Server,
): Promise<Buffer> {
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
