import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FrameSink, readFrames } from '../../src/transports/websocket-reader.ts';
import type { UnfinishedInput } from '../../src/transports/websocket-unfinished.ts';
import { masked, opcodes } from './websocket-client.ts';

type Read = readonly (string | number)[];

/** Notes what is read. */
class Sink implements FrameSink {
  readonly read: Read[] = [];
  isOpen = true;
  inflates = true;
  unfinished: UnfinishedInput | undefined;
  readonly maxLength: number;

  constructor(maxLength = 1_048_576) {
    this.maxLength = maxLength;
  }

  text(text: string): void {
    this.read.push(['text', text]);
  }
  pinged(payload: Buffer): void {
    this.read.push(['ping', payload.toString('hex')]);
  }
  ponged(): void {
    this.read.push(['pong']);
  }
  endedByPeer(code: number): void {
    this.#end('end', code);
  }
  refuseFrame(fault: string, why: string): void {
    this.#end(fault, why);
  }
  refuseSize(): void {
    this.#end('too_large');
  }

  get held(): number {
    return this.unfinished?.held ?? 0;
  }

  #end(kind: string, what?: string | number): void {
    this.read.push(what === undefined ? [kind] : [kind, what]);
    this.isOpen = false;
  }
}

// The reader changes what it is given.
const given = (bytes: Buffer) => Buffer.from(bytes);

/** What is read of these bytes, cut at these places. */
function readIn(bytes: Buffer, cuts: readonly number[] = []): readonly Read[] {
  const sink = new Sink();
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const end of [...ends, bytes.length]) {
    readFrames(sink, given(bytes.subarray(at, end)));
    at = end;
  }
  return sink.read;
}

const compressed = (text: string) =>
  deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

describe('reading frames', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('', 'x'.repeat(125), 'x'.repeat(126), 'é漢🎈\ufffd'.repeat(60), 'y'.repeat(70_000)),
  );
  const control = fc
    .tuple(fc.constantFrom(opcodes.PING, opcodes.PONG), fc.uint8Array({ maxLength: 125 }))
    .map(([opcode, payload]) => masked(Buffer.from(payload), { opcode }));
  /** A message in fragments, compressed or not, with control frames between them. */
  const message = fc
    .record({
      text: texts,
      rsv1: fc.boolean(),
      cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 4 }),
      controls: fc.array(control, { maxLength: 3 }),
    })
    .map(({ text, rsv1, cuts, controls }) => {
      const bytes = rsv1 ? compressed(text) : Buffer.from(text);
      const ends = [...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length];
      return ends.map((end, at) => {
        const bits = { last: at === ends.length - 1, rsv1: rsv1 && at === 0 };
        const opcode = at === 0 ? opcodes.TEXT : opcodes.CONTINUATION;
        const part = masked(bytes.subarray(at === 0 ? 0 : ends[at - 1], end), { ...bits, opcode });
        return Buffer.concat([part, ...(bits.last ? [] : [controls[at] ?? Buffer.alloc(0)])]);
      });
    });
  const strange = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => [Buffer.from(bytes)]);

  it('of any frames, cut anywhere, gives what it gives of the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: message }, { weight: 1, arbitrary: strange }), {
          maxLength: 6,
        }),
        fc.array(fc.nat({ max: 100_000 }), { maxLength: 12 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.flat());
          expect(readIn(bytes, cuts)).toEqual(readIn(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('byte by byte too', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), (messages) => {
        const bytes = Buffer.concat(messages.flat()).subarray(0, 3000);
        expect(readIn(bytes, [...bytes.keys()])).toEqual(readIn(bytes));
      }),
      { numRuns: 100 },
    );
  });

  it('gives the texts that were sent', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 5 }), (sent) => {
        const bytes = Buffer.concat(sent.map((text) => masked(text)));
        // A string of a lone surrogate has no UTF-8.
        expect(readIn(bytes)).toEqual(sent.map((text) => ['text', Buffer.from(text).toString()]));
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a frame without a mask', Buffer.from([0x81, 0x01, 0x78]), ['protocol', 'a frame is not masked']],
    ['U+FFFD, which stands for wrong bytes elsewhere', masked('a\ufffd'), ['text', 'a\ufffd']],
    ['a length of 64 bits', Buffer.from([0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), ['too_large']],
    [
      'compression of a fragment that is not the first',
      Buffer.concat([
        masked('a', { last: false }),
        masked('b', { opcode: opcodes.CONTINUATION, rsv1: true }),
      ]),
      ['protocol', 'a frame has reserved bits'],
    ],
    [
      'a compressed ping',
      masked('a', { opcode: opcodes.PING, rsv1: true }),
      ['protocol', 'a frame has reserved bits'],
    ],
    ['what does not inflate', masked('\x06ÿÿ', { rsv1: true }), ['malformed', 'a message does not inflate']],
    ['a bomb', masked(compressed(' '.repeat(1_048_577)), { rsv1: true }), ['too_large']],
  ] as const)('%s', (_what, bytes, read) => {
    expect(readIn(bytes)).toEqual([read]);
  });
});

describe('the memory of what has not come whole', () => {
  it('is none for a frame that is whole in its chunk, also after one that was not', () => {
    const sink = new Sink();
    const frame = masked('x'.repeat(1000));
    readFrames(sink, given(frame));
    expect(sink.unfinished).toBeUndefined();
    for (const cut of [1, 5, 100]) {
      readFrames(sink, given(frame.subarray(0, cut)));
      expect(sink.unfinished).toBeDefined();
      readFrames(sink, given(frame.subarray(cut)));
      expect(sink.unfinished).toBeUndefined();
    }
    expect(sink.read).toHaveLength(4);
  });

  it('is nothing for a message whose announced length is too much, before any byte of it', () => {
    const sink = new Sink(100_000);
    readFrames(sink, given(masked('x'.repeat(100_001)).subarray(0, 14)));
    expect(sink.read).toEqual([['too_large']]);
    expect(sink.held).toBe(0);
  });

  it('grows with what comes, not with what is announced', () => {
    const sink = new Sink();
    const frame = masked('x'.repeat(1_000_000));
    readFrames(sink, given(frame.subarray(0, 14)));
    expect(sink.held).toBeLessThan(1000);
    for (let at = 14; at < frame.length; at += 1000) {
      readFrames(sink, given(frame.subarray(at, at + 1000)));
      expect(sink.held).toBeLessThan(2 * (at + 1000) + 300);
      expect(sink.held).toBeLessThan(1_001_000);
    }
    expect(sink.read).toHaveLength(1);
    expect(sink.held).toBe(0);
  });

  it('is that of the text alone, however many fragments it has', () => {
    const sink = new Sink();
    readFrames(sink, given(masked('[', { last: false })));
    const rest = { opcode: opcodes.CONTINUATION, last: false };
    for (let at = 0; at < 5000; at += 1) {
      readFrames(sink, given(masked('x', rest)));
      readFrames(sink, given(masked('', rest)));
      readFrames(sink, given(masked('p', { opcode: opcodes.PING })));
    }
    expect(sink.held).toBeLessThan(2 * 5001 + 300);
  });

  it('a message has a limited number of fragments', () => {
    const sink = new Sink();
    readFrames(sink, given(masked('[', { last: false })));
    const empty = Buffer.concat(
      Array.from({ length: 1000 }, () => masked('', { opcode: opcodes.CONTINUATION, last: false })),
    );
    let sent = 1;
    while (sink.isOpen && sent < 100_000) {
      readFrames(sink, given(empty));
      sent += 1000;
    }
    expect(sink.read).toEqual([['too_large', 'a message has more than 65536 fragments']]);
    expect(sent).toBe(66_001);
  });

  it('a message of a megabyte in pieces of one byte takes time in proportion to its length', () => {
    const timeOf = (length: number) => {
      const frame = masked('x'.repeat(length));
      const sink = new Sink();
      const { user } = process.cpuUsage();
      for (let at = 0; at < frame.length; at += 1) readFrames(sink, given(frame.subarray(at, at + 1)));
      expect(sink.read).toHaveLength(1);
      return process.cpuUsage().user - user;
    };
    timeOf(50_000);
    expect(timeOf(1_000_000)).toBeLessThan(100 * timeOf(50_000));
  });
});
