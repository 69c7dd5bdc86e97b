import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Frame,
  FrameError,
  FrameReader,
  FrameWriter,
  type Kind,
  kinds,
} from '../../src/cluster/frames.ts';

const kind = fc.constantFrom<Kind>(...Object.values(kinds));
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 60_000, max: 70_000 }).map((length) => 'x'.repeat(length)),
);
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const frame = fc.record({ kind, id, head: fc.string({ unit: 'binary' }), body: text });

function written(frames: readonly (Frame & { kind: Kind })[]): Buffer {
  const writer = new FrameWriter();
  for (const one of frames) writer.add(one.kind, one.id, one.head, one.body);
  return Buffer.concat(writer.take());
}

const wellFormed = (one: string) => Buffer.from(one).toString();

function* pieces(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let [at, next] = [0, 0]; at < bytes.length; next += 1) {
    const size = sizes[next % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('frames', () => {
  it('come out as they went in, whatever the pieces they arrive in', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 9 }),
        (frames, sizes) => {
          const reader = new FrameReader(1_000_000);
          const read: Frame[] = [];
          for (const piece of pieces(written(frames), sizes)) reader.read(piece, (one) => read.push(one));
          // A lone half of a surrogate pair has no UTF-8.
          const whole = (one: Frame) => ({
            ...one,
            head: wellFormed(one.head),
            body: wellFormed(one.body),
          });
          expect(read).toEqual(frames.map(whole));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('of many short ones share a block of memory', () => {
    const writer = new FrameWriter();
    for (let at = 0; at < 1_000; at += 1) writer.add(kinds.ping, at);
    expect(writer.bytes).toBe(13_000);
    expect(writer.take()).toHaveLength(1);
    expect(writer.bytes).toBe(0);
  });

  it('above the limit are refused by their length alone', () => {
    const reader = new FrameReader(100);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(97);
    expect(() => reader.read(length, () => {})).toThrow(/above the limit of 100/);
  });

  it('that are garbage are refused as such, or are frames', () => {
    const garbage = fc.array(fc.uint8Array({ minLength: 1, maxLength: 64 }), { maxLength: 20 });
    fc.assert(
      fc.property(garbage, (all) => {
        const reader = new FrameReader(64);
        try {
          for (const piece of all) reader.read(Buffer.from(piece), () => {});
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });
});
