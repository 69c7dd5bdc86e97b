import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../../src/ports/envelope.ts';
import { type Handling, OutgoingEvent } from '../../src/ports/outgoing-event.ts';

const envelopeOf = (handling: Handling = {}, rest: Partial<Envelope['publication']> = {}): Envelope => ({
  publication: { event: new OutgoingEvent({ channel: '/a', data: { n: 1 } }, handling), ...rest },
  origin: 'abcd1234',
  number: 7,
});

const seen = (envelope: Envelope | undefined) => {
  if (envelope === undefined) return undefined;
  const { publication, ...rest } = envelope;
  const { event, ...others } = publication;
  const { lazy, volatile, replayId, overflow, isRuled } = event;
  return { ...rest, ...others, message: event.message, lazy, volatile, replayId, overflow, isRuled };
};

describe('an envelope', () => {
  it('is JSON text with its format first, and the text of the event as it is', () => {
    const text = encodeEnvelope({
      ...envelopeOf({ lazy: 500 }, { from: 'xyz', notToPublisher: true, to: ['s1'] }),
      stored: { id: 12, at: 34 },
    });
    expect(text).toBe(
      '{"v":1,"e":{"channel":"/a","data":{"n":1}},"n":["abcd1234",7],"f":"xyz","x":1,"l":500,"h":12,"at":34,"to":["s1"]}',
    );
  });

  it('names the format that it is written in', () => {
    expect(encodeEnvelope(envelopeOf(), 1)).toBe(encodeEnvelope(envelopeOf()));
    expect(encodeEnvelope(envelopeOf(), 2)).toMatch(/^\{"v":2,"e":/);
  });

  it('leaves behind what only its own node knows', () => {
    const overflow = { action: 'dropOldest' } as const;
    const envelope = envelopeOf(
      { overflow, isRuled: true, publishId: 9, tag: {} },
      { receipt: { queue() {} } },
    );
    expect(seen(decodeEnvelope(encodeEnvelope(envelope)))).toEqual(seen(envelopeOf()));
  });

  it('is read as it was written, whatever it has', () => {
    const handling = fc.record(
      {
        lazy: fc.oneof(fc.boolean(), fc.nat()),
        volatile: fc.boolean(),
        replayId: fc.nat(),
      },
      { requiredKeys: [] },
    );
    const rest = fc.oneof(
      fc.constant({}),
      fc.record({ from: fc.string(), notToPublisher: fc.boolean() }),
      fc.record({ to: fc.array(fc.string()) }),
    );
    const data = fc.jsonValue();
    fc.assert(
      fc.property(handling, rest, data, fc.string(), fc.nat(), (how, more, value, origin, number) => {
        // As JSON writes it: -0 is 0.
        const message = { channel: '/a', data: JSON.parse(JSON.stringify(value)) };
        const publication = { event: new OutgoingEvent(message, how), ...more };
        const envelope = { publication, origin, number };
        expect(seen(decodeEnvelope(encodeEnvelope(envelope)))).toEqual(seen(envelope));
      }),
    );
  });

  it.each([
    '',
    'null',
    '[]',
    '{"v":1}',
    '{"v":2,"e":{"channel":"/a","data":1},"n":["abcd1234",1]}',
    '{"v":1,"e":{"data":1},"n":["abcd1234",1]}',
    '{"v":1,"e":{"channel":"/a","data":1},"n":["abcd1234"]}',
    '{"v":1,"e":{"channel":"/a","data":1},"n":["abcd1234",1]',
  ])('that is no envelope of this format is refused: %s', (text) => {
    expect(decodeEnvelope(text)).toBeUndefined();
  });
});
