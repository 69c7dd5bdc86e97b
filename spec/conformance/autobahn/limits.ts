import { BINARY, fragments, frame, TEXT } from './frame.ts';
import { clean, failed, type Row, type Scene, type Seen, sized } from './row.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** How many messages are sent one after another; the list has a thousand. */
const ROUNDS = 100;

/** Text messages, and the same as binary ones, of which Bayeux has none. */
function both(
  group: number,
  title: string,
  at: number,
  send: (opcode: number, bytes: Buffer) => Scene['sent'],
  length: number,
): Row[] {
  return [
    {
      id: `9.${group}.${at}`,
      title: `a text message ${title}`,
      scene: (echo) => {
        const { text, seen } = sized(echo, length);
        return clean(send(TEXT, text), [seen]);
      },
    },
    {
      id: `9.${group + 1}.${at}`,
      title: `a binary message ${title}`,
      scene: () => failed(1003, send(BINARY, Buffer.alloc(length, 0xfe))),
    },
  ];
}

const sizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const cuts = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const chops = [64, 128, 256, 512, KIB, 2 * KIB];
const small = [0, 16, 64, 256, KIB, 4 * KIB];

export const limits: readonly Row[] = [
  ...sizes.flatMap((length, at) =>
    both(1, `of ${length} bytes`, at + 1, (opcode, bytes) => [frame(opcode, bytes)], length),
  ),
  ...cuts.flatMap((size, at) =>
    both(
      3,
      `of 4 MiB in fragments of ${size}`,
      at + 1,
      (opcode, bytes) => [fragments(opcode, bytes, size)],
      4 * MIB,
    ),
  ),
  ...chops.flatMap((chop, at) =>
    both(
      5,
      `of 1 MiB in pieces of ${chop}`,
      at + 1,
      (opcode, bytes) => [{ chop, bytes: frame(opcode, bytes) }],
      MIB,
    ),
  ),
  ...small.flatMap((length, at): Row[] => [
    {
      id: `9.7.${at + 1}`,
      title: `${ROUNDS} text messages of ${length} bytes, each after the answer to the last`,
      scene: (echo) => {
        if (length === 0) return failed(1007, [frame(TEXT)]);
        const { text, seen } = sized(echo, length);
        const all: Seen[] = Array.from({ length: ROUNDS }, () => seen);
        return clean(
          all.flatMap((_, done) => [{ untilSeen: done }, frame(TEXT, text)]),
          all,
        );
      },
    },
    {
      id: `9.8.${at + 1}`,
      title: `binary messages of ${length} bytes`,
      scene: () => failed(1003, [frame(BINARY, Buffer.alloc(length, 0xfe))]),
    },
  ]),
  {
    id: '10.1.1',
    title: 'a text message of 65,536 bytes in fragments of 1,300',
    scene: (echo) => {
      const { text, seen } = sized(echo, 65_536);
      return clean([fragments(TEXT, text, 1300)], [seen]);
    },
  },
];
