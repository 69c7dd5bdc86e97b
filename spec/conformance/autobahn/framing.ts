import { BINARY, CLOSE, close, frame, parts, PING, PONG, TEXT } from './frame.ts';
import { clean, failed, message, octets, type Row, type Seen, sized, type Step } from './row.ts';

const hello = 'Hello, world!';
const odd = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
const chop = (bytes: Buffer, size: number): Step => ({ bytes, chop: size });
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);

const lengths = [0, 125, 126, 127, 128, 65_535, 65_536];

const texts: readonly Row[] = [
  ...lengths.map((length, at): Row => {
    const title = `a text message of ${length} bytes`;
    // Nothing is no batch of Bayeux messages.
    if (length === 0) return { id: '1.1.1', title, scene: () => failed(1007, [frame(TEXT)]) };
    return {
      id: `1.1.${at + 1}`,
      title,
      scene: (echo) => {
        const { text, seen } = sized(echo, length);
        return clean([frame(TEXT, text)], [seen]);
      },
    };
  }),
  {
    id: '1.1.8',
    title: 'a text message of 65,536 bytes in pieces of 997',
    scene: (echo) => {
      const { text, seen } = sized(echo, 65_536);
      return clean([chop(frame(TEXT, text), 997)], [seen]);
    },
  },
];

/** Bayeux has no binary messages (WS-17). */
const binaries: readonly Row[] = [
  ...lengths.map((length, at): Row => {
    const sent = () => [frame(BINARY, Buffer.alloc(length, 0xfe))];
    return {
      id: `1.2.${at + 1}`,
      title: `a binary message of ${length} bytes`,
      scene: () => failed(1003, sent()),
    };
  }),
  {
    id: '1.2.8',
    title: 'a binary message of 65,536 bytes in pieces of 997',
    scene: () => failed(1003, [chop(frame(BINARY, Buffer.alloc(65_536, 0xfe)), 997)]),
  },
];

const pong = (payload: string | Buffer): Seen => ['pong', Buffer.from(payload).toString('latin1')];
const ten = upTo(10).map((at) => `payload-${at}`);

const pings: readonly Row[] = [
  { id: '2.1', title: 'a ping without payload', scene: () => clean([frame(PING)], [pong('')]) },
  {
    id: '2.2',
    title: 'a ping with text',
    scene: () => clean([frame(PING, hello)], [pong(hello)]),
  },
  {
    id: '2.3',
    title: 'a ping with what is not UTF-8',
    scene: () => clean([frame(PING, odd)], [pong(odd)]),
  },
  {
    id: '2.4',
    title: 'a ping of 125 bytes',
    scene: () => clean([frame(PING, Buffer.alloc(125, 0xfe))], [pong(Buffer.alloc(125, 0xfe))]),
  },
  {
    id: '2.5',
    title: 'a ping of 126 bytes',
    scene: () => failed(1002, [frame(PING, Buffer.alloc(126, 0xfe))]),
  },
  {
    id: '2.6',
    title: 'a ping of 125 bytes, byte by byte',
    scene: () => clean([octets(frame(PING, Buffer.alloc(125, 0xfe)))], [pong(Buffer.alloc(125, 0xfe))]),
  },
  { id: '2.7', title: 'a pong nobody asked for', scene: () => clean([frame(PONG)], []) },
  {
    id: '2.8',
    title: 'a pong nobody asked for, with a payload',
    scene: () => clean([frame(PONG, 'unsolicited pong payload')], []),
  },
  {
    id: '2.9',
    title: 'a pong nobody asked for, then a ping',
    scene: () => clean([frame(PONG, 'unsolicited'), frame(PING, 'ping payload')], [pong('ping payload')]),
  },
  {
    id: '2.10',
    title: 'ten pings',
    scene: () =>
      clean(
        ten.map((payload) => frame(PING, payload)),
        ten.map(pong),
      ),
  },
  {
    id: '2.11',
    title: 'ten pings, byte by byte',
    scene: () => clean([octets(...ten.map((payload) => frame(PING, payload)))], ten.map(pong)),
  },
];

/** A text message, a frame that ends the connection, and a ping that must not be answered. */
function after(id: string, title: string, bad: Buffer, how: 'whole' | 'bytes' = 'whole'): Row {
  return {
    id,
    title: `a text message, then ${title}`,
    scene: (echo) => {
      const frames = [frame(TEXT, message(echo, hello)), bad, frame(PING)];
      return failed(1002, how === 'whole' ? frames : [octets(...frames)], [['event', hello]]);
    },
  };
}

/** A frame that ends the connection. */
function alone(id: string, title: string, bad: Buffer): Row {
  return { id, title, scene: () => failed(1002, [bad]) };
}

const reserved: readonly Row[] = [
  alone('3.1', 'a text message with RSV 1', frame(TEXT, hello, { rsv: 1 })),
  after('3.2', 'one with RSV 2', frame(TEXT, hello, { rsv: 2 })),
  after('3.3', 'one with RSV 3', frame(TEXT, hello, { rsv: 3 })),
  after('3.4', 'one with RSV 4, byte by byte', frame(TEXT, hello, { rsv: 4 }), 'bytes'),
  alone('3.5', 'a binary message with RSV 5', frame(BINARY, odd, { rsv: 5 })),
  alone('3.6', 'a ping with RSV 6', frame(PING, hello, { rsv: 6 })),
  alone('3.7', 'a close frame with RSV 7', frame(CLOSE, '', { rsv: 7 })),
];

const opcodes: readonly Row[] = [
  alone('4.1.1', 'opcode 3', frame(3)),
  alone('4.1.2', 'opcode 4 with a payload', frame(4, 'reserved opcode payload')),
  after('4.1.3', 'opcode 5', frame(5)),
  after('4.1.4', 'opcode 6 with a payload', frame(6, hello)),
  after('4.1.5', 'opcode 7 with a payload, byte by byte', frame(7, hello), 'bytes'),
  alone('4.2.1', 'opcode 11', frame(11)),
  alone('4.2.2', 'opcode 12 with a payload', frame(12, 'reserved opcode payload')),
  after('4.2.3', 'opcode 13', frame(13)),
  after('4.2.4', 'opcode 14 with a payload', frame(14, hello)),
  after('4.2.5', 'opcode 15 with a payload, byte by byte', frame(15, hello), 'bytes'),
];

const closing: readonly Row[] = [
  {
    id: '7.1.1',
    title: 'a message, then a close frame',
    scene: (echo) => clean([frame(TEXT, message(echo, hello))], [['event', hello]]),
  },
  {
    id: '7.1.2',
    title: 'two close frames',
    scene: () => failed(1000, [close(1000), frame(CLOSE)]),
  },
  { id: '7.1.3', title: 'a ping after a close frame', scene: () => failed(1000, [close(1000), frame(PING)]) },
  {
    id: '7.1.4',
    title: 'a message after a close frame',
    scene: (echo) => failed(1000, [close(1000), frame(TEXT, message(echo, hello))]),
  },
  {
    id: '7.1.5',
    title: 'a close frame between two fragments',
    scene: (echo) => {
      const [first = close(0), second = close(0)] = parts(TEXT, echo.before, `${hello}${echo.behind}`);
      return failed(1000, [first, close(1000), second]);
    },
  },
  {
    id: '7.1.6',
    title: '256 kB and a small message, then a close frame and a ping',
    scene: (echo) => {
      const { text, seen } = sized(echo, 262_144);
      const sent = [frame(TEXT, text), frame(TEXT, message(echo, hello)), close(1000), frame(PING)];
      return failed(1000, sent, [seen, ['event', hello]]);
    },
  },
  { id: '7.3.1', title: 'a close frame of nothing', scene: () => failed(1000, [frame(CLOSE)]) },
  alone('7.3.2', 'a close frame of one byte', frame(CLOSE, 'a')),
  { id: '7.3.3', title: 'a close frame of a code', scene: () => failed(1000, [close(1000)]) },
  { id: '7.3.4', title: 'a close frame with a reason', scene: () => failed(1000, [close(1000, hello)]) },
  {
    id: '7.3.5',
    title: 'a close frame with a reason of 123 bytes',
    scene: () => failed(1000, [close(1000, '*'.repeat(123))]),
  },
  alone('7.3.6', 'a close frame with a reason of 124 bytes', close(1000, '*'.repeat(124))),
  alone(
    '7.5.1',
    'a close frame whose reason is not UTF-8',
    close(1000, Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')),
  ),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map(
    (code, at): Row => ({
      id: `7.7.${at + 1}`,
      title: `the close code ${code} is sent back`,
      scene: () => failed(code, [close(code)]),
    }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, at) =>
    alone(`7.9.${at + 1}`, `the close code ${code}`, close(code)),
  ),
  alone('7.13.1', 'the close code 5000', close(5000)),
  alone('7.13.2', 'the close code 65535', close(65_535)),
];

export const framing: readonly Row[] = [...texts, ...binaries, ...pings, ...reserved, ...opcodes, ...closing];
