import { ClientError } from './client-error.ts';
import type { Answer } from './poster.ts';

/** A response, and whether the server closes the connection behind it. */
export interface Response extends Answer {
  readonly isLast: boolean;
}

/** Limit of a head, of a line that begins a chunk, and of all trailers. Bytes. */
const MAX_HEAD = 16_384;
/** Limit of a body. Bytes. */
const MAX_BODY = 64 << 20;

type Reading<T> = Generator<undefined, T, undefined>;

/** Reads HTTP/1.1 responses from the bytes of one connection, to one request at a time (RFC 9112). */
export class ResponseReader {
  #unread: Buffer = Buffer.alloc(0);
  #body = Buffer.alloc(0);
  #reading = this.#response();

  /**
   * Takes what the socket has read, and returns the response once it is complete. Keeps nothing of `bytes`. Throws
   * `ClientError` when they are no such response.
   */
  read(bytes: Buffer): Response | undefined {
    this.#unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    const { done, value } = this.#reading.next();
    if (done !== true) {
      this.#unread = Buffer.from(this.#unread);
      return undefined;
    }
    if (this.#unread.length > 0) throw malformed('goes on after its end');
    this.#reading = this.#response();
    return value;
  }

  *#response(): Reading<Response> {
    for (;;) {
      const { status, isLast, fields } = headOf(yield* this.#until('\r\n\r\n'));
      if (status === 101) throw malformed('changes the protocol');
      if (status < 200) continue;
      const cookies = fields.get('set-cookie') ?? [];
      const text = status === 204 || status === 304 ? '' : yield* this.#text(fields);
      return { status, cookies, text, isLast };
    }
  }

  *#text(fields: Fields): Reading<string> {
    const length = lengthOf(fields);
    if (length !== undefined && length <= this.#unread.length) {
      const text = this.#unread.toString('utf8', 0, length);
      this.#unread = this.#unread.subarray(length);
      return text;
    }
    const size = yield* length === undefined ? this.#chunks() : this.#take(length, 0);
    const text = this.#body.toString('utf8', 0, size);
    this.#body = Buffer.alloc(0);
    return text;
  }

  *#chunks(): Reading<number> {
    let end = 0;
    for (;;) {
      const line = yield* this.#until('\r\n');
      const [, digits] = /^([\da-f]{1,8})(?:;.*)?$/i.exec(line) ?? [];
      if (digits === undefined) throw malformed('has a chunk without a size');
      const size = Number.parseInt(digits, 16);
      if (size === 0) break;
      end = yield* this.#take(size, end);
      if ((yield* this.#until('\r\n')) !== '') throw malformed('has a chunk longer than its size');
    }
    let left = MAX_HEAD;
    for (let line = yield* this.#until('\r\n'); line !== ''; line = yield* this.#until('\r\n')) {
      left -= line.length;
      if (left < 0) throw malformed('has long trailers');
    }
    return end;
  }

  /** Reads what stands before the next `mark`. */
  *#until(mark: string): Reading<string> {
    for (;;) {
      const at = this.#unread.indexOf(mark);
      if ((at < 0 ? this.#unread.length : at) > MAX_HEAD) throw malformed('has a long head');
      if (at < 0) yield;
      else {
        const text = this.#unread.toString('latin1', 0, at);
        this.#unread = this.#unread.subarray(at + mark.length);
        return text;
      }
    }
  }

  /** Reads this many bytes into the body, from `start`; returns where they end. */
  *#take(size: number, start: number): Reading<number> {
    const end = start + size;
    if (end > MAX_BODY) throw malformed(`is longer than ${MAX_BODY} bytes`);
    for (let at = start; at < end; ) {
      if (this.#unread.length === 0) yield;
      const piece = this.#unread.subarray(0, end - at);
      this.#reserve(at + piece.length);
      piece.copy(this.#body, at);
      this.#unread = this.#unread.subarray(piece.length);
      at += piece.length;
    }
    return end;
  }

  // Room for what has come, not for what is announced.
  #reserve(size: number): void {
    if (size <= this.#body.length) return;
    const larger = Buffer.allocUnsafe(Math.max(size, 2 * this.#body.length));
    this.#body.copy(larger);
    this.#body = larger;
  }
}

type Fields = ReadonlyMap<string, readonly string[]>;

interface Head {
  readonly status: number;
  readonly isLast: boolean;
  readonly fields: Fields;
}

/** The head that was read last on any connection: most responses of a second have the same. */
let lastHead: readonly [text: string, head: Head] | undefined;

function headOf(text: string): Head {
  if (lastHead?.[0] !== text) lastHead = [text, parsedHead(text)];
  return lastHead[1];
}

function parsedHead(text: string): Head {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\0\r\n]*)?$/.exec(first) ?? [];
  if (status === undefined) throw malformed('does not begin with an HTTP/1.1 status');
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+):[\t ]*([^\0\r\n]*?)[\t ]*$/.exec(line) ?? [];
    if (name === '') throw malformed('has a header without a name');
    const values = fields.get(name.toLowerCase());
    if (values === undefined) fields.set(name.toLowerCase(), [value]);
    else values.push(value);
  }
  const isLast = minor === '0' || /\bclose\b/i.test(String(fields.get('connection')));
  return { status: Number(status), isLast, fields };
}

/** The length of the body, or nothing when it comes in chunks. */
function lengthOf(fields: Fields): number | undefined {
  const lengths = fields.get('content-length');
  const codings = fields.get('transfer-encoding');
  if (lengths === undefined && codings?.join().toLowerCase() === 'chunked') return undefined;
  if (codings !== undefined || lengths?.length !== 1 || !/^\d{1,15}$/.test(lengths.join()))
    throw malformed('has no clear length');
  return Number(lengths[0]);
}

function malformed(why: string): ClientError {
  return new ClientError(`the answer of the server ${why}`);
}
