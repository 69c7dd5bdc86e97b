import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AcceptedReply, encodeBatch, OutgoingReply } from '../../src/protocol/outgoing.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';

describe('OutgoingEvent', () => {
  it('is made into text once, however often it is asked for (DL-7)', () => {
    let encoded = 0;
    const data = {
      toJSON: () => {
        encoded += 1;
        return 'x';
      },
    };
    const event = new OutgoingEvent({ channel: '/a', data });
    expect([event.json, event.json, event.bytes, event.bytes]).toEqual([event.json, event.json, 27, 27]);
    expect(encodeBatch([event, event])).toBe('[{"channel":"/a","data":"x"},{"channel":"/a","data":"x"}]');
    expect(encoded).toBe(1);
  });

  it('counts bytes, not characters', () => {
    const event = new OutgoingEvent({ channel: '/a', data: 'é€😀' });
    expect(event.bytes).toBe(Buffer.byteLength(event.json));
    expect(event.bytes).toBeGreaterThan(event.json.length);
  });

  it('is urgent and kept unless it says otherwise', () => {
    expect(new OutgoingEvent({ channel: '/a' })).toMatchObject({ lazy: false, volatile: false });
    expect(new OutgoingEvent({ channel: '/a' }, { lazy: 50 })).toMatchObject({ lazy: 50, volatile: false });
    expect(new OutgoingEvent({ channel: '/a' }, { lazy: 50, volatile: true })).toMatchObject({
      lazy: false,
      volatile: true,
    });
  });
});

describe('AcceptedReply', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 });
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    units.map((codes) => String.fromCharCode(...codes)),
    fc.constantFrom('"', '\\', '\u007f', '\u2028', '\ud800', '\udc00\ud800', '__proto__', '</script>'),
  );
  const id = fc.oneof(text, fc.double(), fc.integer(), fc.constantFrom(undefined, 0, -0, 1e21, 5e-324));

  it('has the text that JSON.stringify would make', () => {
    fc.assert(
      fc.property(id, text, (one, channel) => {
        const { json, bytes, message } = new AcceptedReply(one, channel);
        expect(json).toBe(JSON.stringify({ id: one, channel, successful: true }));
        expect(json).toBe(new OutgoingReply(message).json);
        expect(bytes).toBe(Buffer.byteLength(json));
      }),
      { numRuns: 2000 },
    );
  });

  it('escapes each character as JSON does', () => {
    for (let code = 0; code < 0x10000; code += 1) {
      const id = String.fromCharCode(code);
      const { json } = new AcceptedReply(id, id);
      if (json !== JSON.stringify({ id, channel: id, successful: true })) expect(json).toBe(code);
    }
  });
});

describe('encodeBatch', () => {
  it('makes an array even of one message (MSG-3)', () => {
    const reply = new OutgoingReply({ channel: '/a', successful: true });
    expect(encodeBatch([reply])).toBe('[{"channel":"/a","successful":true}]');
  });

  it('keeps the order', () => {
    const batch = ['/a', '/b', '/c'].map((channel) => new OutgoingEvent({ channel, data: null }));
    expect(JSON.parse(encodeBatch(batch)).map((event: { channel: string }) => event.channel)).toEqual([
      '/a',
      '/b',
      '/c',
    ]);
  });
});
