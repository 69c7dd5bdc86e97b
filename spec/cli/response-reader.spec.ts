import { type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientError } from '../../src/cli/client-error.ts';
import { type Response, ResponseReader } from '../../src/cli/response-reader.ts';

const { array, constantFrom, integer, nat, oneof, record, string, tuple, uint8Array } = fc;

/** Reads these bytes in these pieces, each of which is gone when the next one comes. */
function readAll(pieces: readonly Uint8Array[], reader = new ResponseReader()): Response[] {
  return pieces.flatMap((piece) => {
    const bytes = Buffer.from(piece);
    const response = reader.read(bytes);
    bytes.fill('?');
    return response ?? [];
  });
}

const read = (wire: string) => readAll([Buffer.from(wire)])[0];
const byteByByte = (wire: string) => readAll([...Buffer.from(wire)].map((byte) => Buffer.of(byte)))[0];

const named = { status: 200, cookies: [], isLast: false };
const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const mebibytes = (count: number) => (count * 2 ** 20).toString(16);

const head = fc.record({
  interim: array(
    constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'),
    {
      maxLength: 2,
    },
  ),
  status: constantFrom(200, 204, 400, 503),
  reason: constantFrom('', ' ', ' OK', ' Not Found'),
  cookies: array(constantFrom('a=1', 'BAYEUX_BROWSER=x; HttpOnly'), { maxLength: 3 }),
  connection: constantFrom('keep-alive', 'Close', 'keep-alive, close'),
});

const body = array(string({ unit: 'binary', minLength: 1, maxLength: 300 }), { maxLength: 4 });

/** A response as a server may write it, and what is to be read from it. */
const response = tuple(
  head,
  body,
  record({
    isChunked: fc.boolean(),
    extension: constantFrom('', ';a=b', ';a="b"'),
    trailers: constantFrom('', 'X-Sum: 1\r\n', 'X-Sum: 1\r\nX-More: 2\r\n'),
    zeros: constantFrom('0', '000'),
  }),
).map(
  ([{ interim, status, reason, cookies, connection }, parts, { isChunked, extension, trailers, zeros }]) => {
    const text = parts.join('');
    const chunks = parts.map((part) => {
      const size = Buffer.byteLength(part).toString(16);
      return `${size}${extension}\r\n${part}\r\n`;
    });
    const [framing, content] = isChunked
      ? ['transfer-encoding:Chunked', `${chunks.join('')}${zeros}${extension}\r\n${trailers}\r\n`]
      : [`CONTENT-LENGTH: \t${Buffer.byteLength(text)} `, text];
    const fields = [...cookies.map((cookie) => `Set-Cookie: ${cookie}`), `Connection: ${connection}`];
    const start = `${interim.join('')}HTTP/1.1 ${status}${reason}\r\n`;
    const wire =
      status === 204
        ? `${start}${fields.join('\r\n')}\r\n\r\n`
        : `${start}${[...fields, framing].join('\r\n')}\r\n\r\n${content}`;
    const isLast = /close/i.test(connection);
    return { wire: Buffer.from(wire), read: { status, cookies, text: status === 204 ? '' : text, isLast } };
  },
);

/** The bytes in pieces, cut at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % bytes.length))].sort((a, b) => a - b);
  return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length));
}

describe('the reader of HTTP responses', () => {
  it('reads one response after another, wherever their bytes are cut', () => {
    fc.assert(
      fc.property(array(tuple(response, array(nat(), { maxLength: 20 })), { minLength: 1 }), (all) => {
        const reader = new ResponseReader();
        for (const [{ wire, read }, places] of all)
          expect(readAll(cut(wire, places), reader)).toEqual([read]);
      }),
    );
  });

  it('reads byte by byte', () => {
    fc.assert(
      fc.property(response, ({ wire, read }) => {
        expect(readAll([...wire].map((byte) => Buffer.of(byte)))).toEqual([read]);
      }),
      { numRuns: 20 },
    );
  });

  it('takes HTTP/1.0 for the last response', () => {
    expect(read('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]')).toEqual({
      ...named,
      text: '[]',
      isLast: true,
    });
  });

  it.each([
    ['does not begin with an HTTP/1.1 status', 'HTTP/2 200\r\n\r\n'],
    ['does not begin with an HTTP/1.1 status', 'HTTP/1.1 99 No\r\n\r\n'],
    ['does not begin with an HTTP/1.1 status', 'HTTP/1.1 200\nContent-Length: 0\r\n\r\n'],
    ['does not begin with an HTTP/1.1 status', '\u0015\u0003\u0003\0\u0002\u0002F\r\n\r\n'],
    ['has a header without a name', `${ok}: 1\r\n\r\n`],
    ['has a header without a name', `${ok}Content-Length : 2\r\n\r\n[]`],
    ['has a header without a name', `${ok}X: 1\r\n folded\r\nContent-Length: 0\r\n\r\n`],
    ['has a header without a name', `${ok}X: 1\rContent-Length: 0\r\n\r\n`],
    ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'],
    ['has no clear length', `${ok}\r\n`],
    ['has no clear length', `${ok}Content-Length: -1\r\n\r\n`],
    ['has no clear length', `${ok}Content-Length: 0x2\r\n\r\n[]`],
    ['has no clear length', `${ok}Content-Length: 2, 2\r\n\r\n[]`],
    ['has no clear length', `${ok}Content-Length: 2\r\nContent-Length: 3\r\n\r\n[] `],
    ['has no clear length', `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]`],
    ['has no clear length', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['has no clear length', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n`],
    ['has a chunk without a size', `${chunked}\r\n`],
    ['has a chunk without a size', `${chunked}-2\r\n[]\r\n0\r\n\r\n`],
    ['has a chunk without a size', `${chunked}0x2\r\n[]\r\n0\r\n\r\n`],
    ['has a chunk without a size', `${chunked}2 2\r\n[]\r\n0\r\n\r\n`],
    ['has a chunk without a size', `${chunked}fffffffff\r\n[]\r\n0\r\n\r\n`],
    ['has a chunk longer than its size', `${chunked}1\r\n[]\r\n0\r\n\r\n`],
    ['is longer than 67108864 bytes', `${ok}Content-Length: 67108865\r\n\r\n`],
    ['is longer than 67108864 bytes', `${chunked}${mebibytes(65)}\r\n`],
    ['is longer than 67108864 bytes', `${chunked}1\r\n[\r\n${mebibytes(64)}\r\n`],
    ['has a long head', `${ok}X: ${'x'.repeat(16_384)}`],
    ['has a long head', `${ok}X: ${'x'.repeat(16_384)}\r\nContent-Length: 0\r\n\r\n`],
    ['has a long head', `${chunked}2;${'x'.repeat(16_384)}`],
    ['has long trailers', `${chunked}0\r\n${`X: ${'x'.repeat(1_000)}\r\n`.repeat(17)}`],
  ])('refuses what %s (%#)', (why, wire) => {
    expect(() => read(wire)).toThrow(new ClientError(`the answer of the server ${why}`));
    expect(() => byteByByte(wire)).toThrow(new ClientError(`the answer of the server ${why}`));
  });

  it('refuses bytes after the end of the response', () => {
    expect(() => read(`${ok}Content-Length: 2\r\n\r\n[]${ok}`)).toThrow('goes on after its end');
    expect(() => read(`${chunked}0\r\n\r\n\r\n`)).toThrow('goes on after its end');
  });

  it('sets no memory aside for bytes that are only announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 50 }, () => new ResponseReader());
    for (const reader of readers) readAll([Buffer.from(`${ok}Content-Length: 67108864\r\n\r\n[`)], reader);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20);
  });

  it('reads nothing that Node reads otherwise, and throws nothing but ClientError', async () => {
    const change = record({ at: nat(), drop: integer({ min: 0, max: 3 }), bytes: changed });
    await fc.assert(
      fc.asyncProperty(response, array(change, { minLength: 1, maxLength: 3 }), async ({ wire }, changes) => {
        const bytes = changes.reduce(mutated, wire);
        const [own, nodes] = [outcome(bytes), await readByNode(bytes)];
        if (own !== undefined && nodes !== undefined) expect(own).toEqual(nodes);
      }),
      { numRuns: 500 },
    );
  });
});

const changed = oneof(
  uint8Array({ maxLength: 3 }),
  constantFrom('\r\n', '\n', '0', '\r\n\r\n', ' ', ':', 'Content-Length: 1\r\n', 'chunked').map((s) =>
    Buffer.from(s),
  ),
);

interface Change {
  readonly at: number;
  readonly drop: number;
  readonly bytes: Uint8Array;
}

function mutated(wire: Buffer, { at, drop, bytes }: Change): Buffer {
  const from = at % (wire.length + 1);
  return Buffer.concat([wire.subarray(0, from), bytes, wire.subarray(from + drop)]);
}

/** What is read, if anything is. */
function outcome(bytes: Buffer): Omit<Response, 'isLast'> | undefined {
  try {
    const [response] = readAll([bytes]);
    if (response === undefined) return undefined;
    const { isLast, ...rest } = response;
    return rest;
  } catch (error) {
    expect(error).toBeInstanceOf(ClientError);
    return undefined;
  }
}

/** What Node's client reads, if anything. */
async function readByNode(bytes: Buffer): Promise<Omit<Response, 'isLast'> | undefined> {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const sent = request({ method: 'POST', createConnection: () => socket });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject);
  });
  sent.end();
  socket.push(bytes);
  socket.push(null);
  try {
    const message = await answer;
    const { statusCode = 0, headers } = message;
    return { status: statusCode, cookies: headers['set-cookie'] ?? [], text: await text(message) };
  } catch {
    return undefined; // Node is the stricter one in some places, such as the words behind the size of a chunk.
  }
}
