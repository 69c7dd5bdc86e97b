import { constants, deflateRawSync } from 'node:zlib';
import { BINARY, fragments, frame, TEXT } from './frame.ts';
import { clean, failed, message, type Row, type Seen } from './row.ts';

/** Bytes of a message, how many are sent, and the size of fragments of what is compressed; 0 is one frame. The list has a thousand each. */
const runs: readonly (readonly [length: number, count: number, fragment: number])[] = [
  ...[16, 64, 256, 1024, 4096, 8192].map((length) => [length, 50, 0] as const),
  ...[16_384, 32_768, 65_536, 131_072].map((length) => [length, 5, 0] as const),
  ...[8192, 16_384, 32_768, 65_536, 131_072].map((length) => [length, 5, 256] as const),
  ...[1024, 4096, 32_768].map((fragment) => [131_072, 5, fragment] as const),
];

const flushed = { finishFlush: constants.Z_SYNC_FLUSH };

/** A message, compressed and in fragments where the client and the server agreed on that. */
function sent(opcode: number, text: Buffer, fragment: number, isCompressed: boolean): Buffer {
  const bytes = isCompressed ? deflateRawSync(text, flushed).subarray(0, -4) : text;
  const rsv = isCompressed ? 4 : 0;
  return fragment === 0 ? frame(opcode, bytes, { rsv }) : fragments(opcode, bytes, fragment, rsv);
}

const plain = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

function rowsOf(
  group: string,
  title: string,
  offer: string,
  agreed: string | undefined,
  source: string,
): Row[] {
  return runs.map(([length, count, fragment], at): Row => {
    const cut = fragment === 0 ? '' : ` in fragments of ${fragment}`;
    return {
      id: `${group}.${at + 1}`,
      title: `${title}: ${count} messages of ${length} bytes${cut}`,
      offer,
      ...(agreed !== undefined && { agreed }),
      scene: (echo) => {
        const room = Math.max(1, length - echo.before.length - echo.behind.length);
        const datas = Array.from({ length: count }, (_, turn) => {
          const from = (turn * 97) % source.length;
          return source.repeat(2 + Math.ceil(room / source.length)).slice(from, from + room);
        });
        return clean(
          datas.map((data) => sent(TEXT, message(echo, data), fragment, agreed !== undefined)),
          datas.map((data): Seen => ['event', data]),
        );
      },
    };
  });
}

/** The kinds of text in the list, in small; what is not text would be binary, which Bayeux has not. */
const json = `{'type':'Feature','properties':{'id':7,'name':'Å'},'points':[[1.25,-3.5],[2.5,11]]},`;
const html = `<tr class='odd'><td>7</td><td><a href='/wiki/%C3%85'>Å</a></td></tr>`;

function binaryRows(group: string, title: string): Row[] {
  return runs.map(([length, , fragment], at) => ({
    id: `${group}.${at + 1}`,
    title: `${title}: ${length} bytes${fragment === 0 ? '' : ` in fragments of ${fragment}`}`,
    offer: 'permessage-deflate',
    agreed: plain,
    scene: () => failed(1003, [sent(BINARY, Buffer.alloc(length, 0xfe), fragment, true)]),
  }));
}

/** What the client offers; a window below the largest is not agreed to. */
const offers: readonly (readonly [offer: string, agreed: string | undefined])[] = [
  ['permessage-deflate; client_no_context_takeover; client_max_window_bits', plain],
  [
    'permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits',
    plain,
  ],
  ['permessage-deflate; server_max_window_bits=9; client_max_window_bits', undefined],
  [
    'permessage-deflate; server_max_window_bits=15; client_max_window_bits',
    `${plain}; server_max_window_bits=15`,
  ],
  ['permessage-deflate; server_no_context_takeover; server_max_window_bits=9', undefined],
  [
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=15',
    `${plain}; server_max_window_bits=15`,
  ],
  [
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=9, permessage-deflate; server_no_context_takeover, permessage-deflate',
    plain,
  ],
];

export const compression: readonly Row[] = [
  ...rowsOf('12.1', 'JSON', 'permessage-deflate', plain, json),
  ...binaryRows('12.2', 'a picture'),
  ...binaryRows('12.3', 'text as binary'),
  ...rowsOf('12.4', 'HTML', 'permessage-deflate', plain, html),
  ...binaryRows('12.5', 'a document'),
  ...offers.flatMap(([offer, agreed], at) =>
    rowsOf(`13.${at + 1}`, agreed === undefined ? 'not compressed' : 'compressed', offer, agreed, json),
  ),
];
