import { fragments, frame, parts, TEXT } from './frame.ts';
import { clean, failed, message, type Row } from './row.ts';

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const kosme = hex('cebae1bdb9cf83cebcceb5');
const umlauts = 'Hello-µ@ßöäüàá-UTF-8!!';

const empty = ['', '', ''];

const fragmented: readonly Row[] = [
  // Nothing is no batch of Bayeux messages.
  { id: '6.1.1', title: 'an empty message', scene: () => failed(1007, [frame(TEXT)]) },
  { id: '6.1.2', title: 'three empty fragments', scene: () => failed(1007, parts(TEXT, ...empty)) },
  {
    id: '6.1.3',
    title: 'a fragment between two empty ones',
    scene: (echo) => clean(parts(TEXT, '', message(echo, 'middle'), ''), [['event', 'middle']]),
  },
  {
    id: '6.2.1',
    title: 'a message of several alphabets',
    scene: (echo) => clean([frame(TEXT, message(echo, umlauts))], [['event', umlauts]]),
  },
  {
    id: '6.2.2',
    title: 'the same in two fragments, between two characters',
    scene: ({ before, behind }) =>
      clean(parts(TEXT, `${before}${umlauts.slice(0, 11)}`, `${umlauts.slice(11)}${behind}`), [
        ['event', umlauts],
      ]),
  },
  ...[umlauts, kosme.toString()].map(
    (data, at): Row => ({
      id: `6.2.${3 + at}`,
      title: 'a message in fragments of one byte',
      scene: (echo) => clean([fragments(TEXT, message(echo, data), 1)], [['event', data]]),
    }),
  ),
];

const outOfRange = hex('f4908080');
const edited = Buffer.from('edited');
const wrong = Buffer.concat([kosme, hex('eda080'), edited]);

/** The list allows both: to fail at the first wrong byte, or, as here, when the message is whole. */
const late: readonly Row[] = [
  {
    id: '6.3.1',
    title: 'a message that is not UTF-8',
    scene: (echo) => failed(1007, [frame(TEXT, message(echo, wrong))]),
  },
  {
    id: '6.3.2',
    title: 'the same in fragments of one byte',
    scene: (echo) => failed(1007, [fragments(TEXT, message(echo, wrong), 1)]),
  },
  ...[kosme.length, kosme.length + 1].flatMap((cut, at): Row[] => {
    const all = Buffer.concat([kosme, outOfRange, edited]);
    const end = at === 0 ? cut + outOfRange.length : cut + 1;
    const cuts = [all.subarray(0, cut), all.subarray(cut, end), all.subarray(end)] as const;
    const [first, second, third] = cuts;
    return [
      {
        id: `6.4.${1 + at}`,
        title: `fragments of which the second is wrong, cut at ${cut}`,
        scene: ({ before, behind }) =>
          failed(1007, parts(TEXT, Buffer.concat([Buffer.from(before), first]), second, `${third}${behind}`)),
      },
      {
        id: `6.4.${3 + at}`,
        title: `a frame in pieces of which the second is wrong, cut at ${cut}`,
        scene: (echo) => {
          const whole = frame(TEXT, message(echo, all));
          const start = whole.length - all.length - echo.behind.length;
          return failed(1007, [
            whole.subarray(0, start + cut),
            whole.subarray(start + cut, start + end),
            whole.subarray(start + end),
          ]);
        },
      },
    ];
  }),
];

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const spaced = (from: number, to: number) =>
  Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20])).toString('hex');

const cutShort = [
  ...['c0', 'e080', 'f08080', 'f8808080', 'fc80808080'],
  ...['df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'],
];

/** U+nFFFE and U+nFFFF of each plane that the list has. */
const nonCharacters = ['f0', 'f1', 'f2', 'f3', 'f4'].flatMap((first) =>
  ['8f', '9f', 'af', 'bf']
    .filter((second) => (first !== 'f0' || second !== '8f') && (first !== 'f4' || second === '8f'))
    .flatMap((second) => [`${first}${second}bfbe`, `${first}${second}bfbf`]),
);

type Sequence = readonly [isValid: boolean, bytes: string];
const valid = (...all: readonly string[]) => all.map((bytes): Sequence => [true, bytes]);
const invalid = (...all: readonly string[]) => all.map((bytes): Sequence => [false, bytes]);

/** Sections 6.5 to 6.23, after the tests of Markus Kuhn. */
const sections: readonly (readonly [title: string, sequences: readonly Sequence[]])[] = [
  [
    'valid sequences',
    valid(
      ...['hello$world', 'hello¢world', 'hello€world', 'hello𤭢world'].map((text) =>
        Buffer.from(text).toString('hex'),
      ),
      kosme.toString('hex'),
    ),
  ],
  [
    'prefixes of a valid text',
    range(1, kosme.length + 1).map((length): Sequence => {
      // Two, three, two, two and two bytes.
      return [[2, 5, 7, 9, 11].includes(length), kosme.toString('hex', 0, length)];
    }),
  ],
  ['first sequence of its length', valid('00', 'c280', 'e0a080', 'f0908080')],
  ['first sequence of five and six bytes', invalid('f888808080', 'fc8480808080')],
  ['last sequence of its length', valid('7f', 'dfbf', 'efbfbf', 'f48fbfbf')],
  ['last sequence of four to six bytes', invalid('f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf')],
  ['other limits', [...valid('ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf'), ...invalid('f4908080')]],
  [
    'continuation bytes without a first',
    invalid(
      ...['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf'],
      Buffer.from(range(0x80, 0xbf)).toString('hex'),
    ),
  ],
  [
    'first bytes alone',
    invalid(
      spaced(0xc0, 0xdf),
      spaced(0xe0, 0xef),
      spaced(0xf0, 0xf7),
      spaced(0xf8, 0xfb),
      spaced(0xfc, 0xfd),
    ),
  ],
  ['a last byte missing', invalid(...cutShort)],
  ['many last bytes missing', invalid(cutShort.join(''))],
  ['impossible bytes', invalid('fe', 'ff', 'fefeffff')],
  ['overlong ASCII', invalid('c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af')],
  ['most overlong sequences', invalid('c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf')],
  ['overlong NUL', invalid('c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080')],
  ['half a surrogate pair', invalid('eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf')],
  [
    'surrogate pairs',
    invalid(
      ...['eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edadbfedbfbf'],
      ...['edae80edb080', 'edae80edbfbf', 'edafbfedb080', 'edafbfedbfbf'],
    ),
  ],
  ['code points that are no characters', valid('efbfbe', 'efbfbf', ...nonCharacters)],
  ['specials', valid('efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf')],
];

const sequences: readonly Row[] = sections.flatMap(([title, list], section) =>
  list.map(([isValid, digits], at): Row => {
    const bytes = hex(digits);
    return {
      id: `6.${5 + section}.${at + 1}`,
      title: `${title}: ${digits}`,
      scene: (echo) => {
        const sent = [frame(TEXT, message(echo, bytes))];
        // JSON has no control characters in its strings.
        if (!isValid || (bytes[0] ?? 0) < 0x20) return failed(1007, sent);
        return clean(sent, [['event', bytes.toString()]]);
      },
    };
  }),
);

export const utf8: readonly Row[] = [...fragmented, ...late, ...sequences];
