import { CONTINUATION, frame, parts, PING, PONG, TEXT } from './frame.ts';
import { clean, type Echo, failed, message, octets, type Row, type Step } from './row.ts';

const hello = 'Hello, world!';
const ping = frame(PING, 'ping payload');

/** A message whose data is `fragment1fragment2`, in two fragments. */
const two = ({ before, behind }: Echo): [Buffer, Buffer] => {
  const [first = frame(TEXT), second = frame(TEXT)] = parts(TEXT, `${before}fragment1`, `fragment2${behind}`);
  return [first, second];
};

/** In one write, in one for each frame, or byte by byte. */
const inWays = [
  ['in one write', (...frames: Buffer[]): Step[] => [Buffer.concat(frames)]],
  ['frame by frame', (...frames: Buffer[]): Step[] => frames],
  ['byte by byte', (...frames: Buffer[]): Step[] => [octets(...frames)]],
] as const;

const nowhere = (fin: boolean) => frame(CONTINUATION, 'non-continuation payload', { fin });

export const fragmentation: readonly Row[] = [
  {
    id: '5.1',
    title: 'a ping in fragments',
    scene: () => failed(1002, [frame(PING, 'fragment1', { fin: false }), frame(CONTINUATION, 'fragment2')]),
  },
  {
    id: '5.2',
    title: 'a pong in fragments',
    scene: () => failed(1002, [frame(PONG, 'fragment1', { fin: false }), frame(CONTINUATION, 'fragment2')]),
  },
  ...inWays.map(
    ([how, send], at): Row => ({
      id: `5.${3 + at}`,
      title: `two fragments, ${how}`,
      scene: (echo) => clean(send(...two(echo)), [['event', 'fragment1fragment2']]),
    }),
  ),
  ...inWays.map(
    ([how, send], at): Row => ({
      id: `5.${6 + at}`,
      title: `two fragments with a ping between them, ${how}`,
      scene: (echo) => {
        const [first, second] = two(echo);
        return clean(send(first, ping, second), [
          ['pong', 'ping payload'],
          ['event', 'fragment1fragment2'],
        ]);
      },
    }),
  ),
  ...inWays.map(
    ([how, send], at): Row => ({
      id: `5.${9 + at}`,
      title: `a last fragment of nothing, ${how}`,
      scene: (echo) => failed(1002, send(nowhere(true), frame(TEXT, message(echo, hello)))),
    }),
  ),
  ...inWays.map(
    ([how, send], at): Row => ({
      id: `5.${12 + at}`,
      title: `a fragment of nothing, ${how}`,
      scene: (echo) => failed(1002, send(nowhere(false), frame(TEXT, message(echo, hello)))),
    }),
  ),
  {
    id: '5.15',
    title: 'two fragments, then a fragment of nothing and a message, in one write',
    scene: (echo) => {
      const sent = [...two(echo), nowhere(false), frame(TEXT, message(echo, hello))];
      return failed(1002, [Buffer.concat(sent)], [['event', 'fragment1fragment2']]);
    },
  },
  ...[false, true].map(
    (fin, at): Row => ({
      id: `5.${16 + at}`,
      title: `twice: a ${fin ? 'last ' : ''}fragment of nothing, then a message in two fragments`,
      scene: (echo) => {
        const sent = [nowhere(fin), ...two(echo)];
        return failed(1002, [...sent, ...sent]);
      },
    }),
  ),
  {
    id: '5.18',
    title: 'two fragments, both said to be a text message',
    scene: () => failed(1002, [frame(TEXT, 'fragment1', { fin: false }), frame(TEXT, 'fragment2')]),
  },
  ...inWays.slice(0, 2).map(
    ([how, send], at): Row => ({
      id: `5.${19 + at}`,
      title: `five fragments with pings and a pause between them, ${how}`,
      scene: ({ before, behind }) => {
        const [one, two, three, four, five] = parts(
          TEXT,
          ...[`${before}fragment1`, 'fragment2', 'fragment3', 'fragment4', `fragment5${behind}`],
        ) as [Buffer, Buffer, Buffer, Buffer, Buffer];
        const sent: Step[] = [
          ...send(one, two, frame(PING, 'pongme 1!')),
          { untilSeen: 1 },
          ...send(three, four, frame(PING, 'pongme 2!'), five),
        ];
        return clean(sent, [
          ['pong', 'pongme 1!'],
          ['pong', 'pongme 2!'],
          ['event', 'fragment1fragment2fragment3fragment4fragment5'],
        ]);
      },
    }),
  ),
];
