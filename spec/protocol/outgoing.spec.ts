import { describe, expect, it } from 'vitest';
import { encodeBatch, OutgoingReply } from '../../src/protocol/outgoing.ts';
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
