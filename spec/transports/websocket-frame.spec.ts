import { constants, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Outgoing, OutgoingReply } from '../../src/protocol/outgoing.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import {
  closeFrame,
  deflatedFrame,
  type Frame,
  Frames,
  ownFrame,
  textFrame,
} from '../../src/transports/websocket-frame.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { settle } from '../support/until.ts';

const event = (data: unknown) => new OutgoingEvent({ channel: '/a', data });

/** The bytes on the wire. */
const bytesOf = (frame: Frame) => (typeof frame === 'string' ? Buffer.from(frame, 'latin1') : frame);

/** The messages in frames that follow one another. */
function messagesIn(frame: Frame): unknown[] {
  const frames = bytesOf(frame);
  const messages: unknown[] = [];
  for (let at = 0; at < frames.length; ) {
    const short = frames[at + 1] as number;
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    const length =
      short < 126 ? short : short === 126 ? frames.readUInt16BE(at + 2) : frames.readUInt32BE(at + 6);
    at = start + length;
    messages.push(...JSON.parse(frames.toString('utf8', start, at)));
  }
  return messages;
}

describe('a frame (RFC 6455, 5.2)', () => {
  it.each([
    [0, [0x81, 0]],
    [16_384, [0x81, 126, 0x40, 0]],
    [16_385, [0x81, 126, 0x40, 1]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 0xff, 0xff]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [16_909_060, [0x81, 127, 0, 0, 0, 0, 1, 2, 3, 4]],
  ])('of %i bytes begins as it must', (length, head) => {
    for (const make of [textFrame, ownFrame]) {
      const frame = bytesOf(make('x'.repeat(length)));
      expect([...frame.subarray(0, head.length)]).toEqual(head);
      expect(frame.subarray(head.length).equals(Buffer.alloc(length, 'x'))).toBe(true);
    }
  });

  it('counts bytes, not characters', () => {
    for (const text of ['é漢🎈', 'ÿ', '\ud800'])
      for (const frame of [textFrame(text), bytesOf(ownFrame(text))]) {
        expect(frame[1]).toBe(Buffer.byteLength(text));
        expect(frame.subarray(2).equals(Buffer.from(text))).toBe(true);
      }
  });

  it('that closes carries its code', () => {
    expect([...closeFrame(1013)]).toEqual([0x88, 2, 0x03, 0xf5]);
  });

  it('that is compressed inflates to its text; a short text stays as it is', () => {
    const text = JSON.stringify([{ channel: '/a', data: 'é'.repeat(1000) }]);
    const frame = deflatedFrame(text);
    expect(frame.length).toBeLessThan(100);
    expect(frame[0]).toBe(0xc1);
    const payload = Buffer.concat([frame.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
    expect(inflateRawSync(payload, { finishFlush: constants.Z_SYNC_FLUSH }).toString()).toBe(text);
    expect(deflatedFrame('[]').equals(textFrame('[]'))).toBe(true);
  });
});

describe('frames', () => {
  const limits = { maxFlushBytes: 65_536, messagesPerFrame: 0 };
  const make = () => new Frames(false, new FakeClock(), limits);

  it('are built once for all who got the same events', () => {
    const frames = make();
    const [a, b, c] = [event(1), event(2), event(3)];
    const batches: Outgoing[][] = [[a, b], [a, b], [a, b, c], [b], [a, b, c], [b]];
    const built = batches.map((batch) => frames.of(batch));
    expect(frames.built).toBe(3);
    expect(built[1]).toBe(built[0]);
    expect(built[4]).toBe(built[2]);
    expect(built[5]).toBe(built[3]);
    expect(built.map((frame) => bytesOf(frame).subarray(2).toString())).toEqual(
      batches.map((batch) => JSON.stringify(batch.map(({ message }) => message))),
    );
  });

  it('do not mix up batches that begin alike', () => {
    const frames = make();
    const [a, b, c] = [event(1), event(2), event(3)];
    const texts = [[a, b], [a, c], [a], [a, b]].map((batch) =>
      bytesOf(frames.of(batch)).subarray(2).toString(),
    );
    expect(texts.map((text) => JSON.parse(text).map(({ data }: { data: number }) => data))).toEqual([
      [1, 2],
      [1, 3],
      [1],
      [1, 2],
    ]);
  });

  it('carry the reply of a session behind events that others get too, byte for byte as if they were encoded together', () => {
    const some = fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { minLength: 1, maxLength: 4 });
    const size = fc.constantFrom(0, 50, 110, 65_000, 65_300);
    fc.assert(
      fc.property(
        some,
        size,
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }),
        (texts, more, ids) => {
          const frames = make();
          const events = [...texts, 'x'.repeat(more)].map(event);
          for (const id of ids) {
            const reply = new OutgoingReply({ id, channel: '/meta/connect', successful: true });
            const text = JSON.stringify([...events, reply].map(({ message }) => message));
            const frame = frames.of([...events, reply]);
            if (Buffer.byteLength(text) <= limits.maxFlushBytes)
              expect(bytesOf(frame).equals(textFrame(text))).toBe(true);
            else expect(messagesIn(frame)).toEqual(JSON.parse(text));
          }
        },
      ),
    );
  });

  it('of one receiver need no buffer if they are short and of ASCII', () => {
    const frames = make();
    const reply = (id: string) => new OutgoingReply({ id, channel: '/meta/connect', successful: true });
    expect(frames.of([reply('1')])).toBeTypeOf('string');
    expect(frames.of([event('a'), reply('1')])).toBeTypeOf('string');
    expect(frames.of([event('é'), reply('1')])).toBeInstanceOf(Buffer);
    expect(frames.of([event('a'), reply('é')])).toBeInstanceOf(Buffer);
    expect(frames.of([event('a'.repeat(20_000)), reply('1')])).toBeInstanceOf(Buffer);
    expect(frames.of([event('a')])).toBeInstanceOf(Buffer);
  });

  it('encode those events once', () => {
    const [shared, other] = [event('a'), event('b')];
    let encoded = 0;
    const encode = () => {
      encoded += 1;
      return '{}';
    };
    Object.defineProperty(shared, 'json', { get: encode });
    const frames = make();
    for (const id of ['1', '2', '3'])
      frames.of([shared, other, new OutgoingReply({ id, channel: '/meta/connect', successful: true })]);
    expect(encoded).toBe(1);
  });

  it('of replies are not kept, those of events until the turn ends', async () => {
    const frames = make();
    const reply = [new OutgoingReply({ channel: '/é', successful: true })];
    expect(frames.of(reply)).not.toBe(frames.of(reply));
    const batch = [event(1)];
    const first = frames.of(batch);
    expect(frames.of(batch)).toBe(first);
    await settle(1);
    expect(frames.of(batch)).not.toBe(first);
  });
});
