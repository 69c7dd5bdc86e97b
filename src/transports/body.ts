import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import { Gathered } from './gathered.ts';
import { HttpError, type HttpRequest } from './http.ts';

/** How long what is left of a body that was refused is read and thrown away, so that the answer arrives. Milliseconds. */
const LINGER = 5000;

/** Reads the bytes of a body, decompressed. Throws `HttpError`; a body over `max` bytes is refused while it comes in. */
export function readBody(req: HttpRequest, max: number, clock: Clock): Promise<Buffer> {
  const encoding = req.headers['content-encoding'] ?? '';
  if (encoding === '' || encoding === 'identity') return readBytes(req, max, clock);
  const decompress = decompressors.get(encoding.toLowerCase());
  if (decompress !== undefined) return readBytes(req, max, clock).then((bytes) => decompress(bytes, max));
  discard(req, clock);
  return Promise.reject(new HttpError(415, 'Unsupported content encoding'));
}

/** The text of a body. Throws `HttpError` 400 when it is not UTF-8 (MSG-11). */
export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new HttpError(400, 'Bad request: not UTF-8');
  return bytes.toString();
}

function readBytes(req: HttpRequest, max: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const length = Number(req.headers['content-length']);
    if (length > max) {
      discard(req, clock);
      reject(new HttpError(413, 'Request too large'));
      return;
    }
    // A small body comes with its head, and by then is there whole: no listener is needed.
    process.nextTick(() => {
      const all = req.readableLength === length && length > 0 ? req.read() : null;
      if (Buffer.isBuffer(all)) resolve(all);
      else collect(req, max, clock, resolve, reject);
    });
  });
}

function collect(
  req: HttpRequest,
  max: number,
  clock: Clock,
  resolve: (bytes: Buffer) => void,
  reject: (error: HttpError) => void,
): void {
  let gathered = new Gathered(max);
  const take = (chunk: Buffer): void => {
    if (gathered.length + chunk.length <= max) {
      gathered.add(chunk);
      return;
    }
    req.off('data', take);
    gathered = new Gathered(max);
    discard(req, clock);
    reject(new HttpError(413, 'Request too large'));
  };
  req.on('data', take);
  req.on('error', ignore);
  req.on('end', () => resolve(gathered.bytes));
  req.on('close', () => {
    if (!req.readableEnded) reject(new HttpError(400, 'Bad request: the body broke off'));
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

type Decompress = (bytes: Buffer, max: number) => Promise<Buffer>;

function decompressor(
  work: (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>,
): Decompress {
  return async (bytes, max) => {
    try {
      return await work(bytes, { maxOutputLength: max });
    } catch (error) {
      const tooLarge = error instanceof RangeError;
      throw tooLarge
        ? new HttpError(413, 'Request too large')
        : new HttpError(400, 'Bad request: cannot decompress');
    }
  };
}

const decompressors = new Map<string, Decompress>([
  ['gzip', decompressor(promisify(gunzip))],
  ['x-gzip', decompressor(promisify(gunzip))],
  ['deflate', decompressor(promisify(inflate))],
]);
