import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { decodeEnvelope, encodeEnvelope } from '../../src/redis/envelope.ts';

const origin = { origin: 'node0001', number: 7 };

describe('the envelope', () => {
  it('has its format first, and the text of the event as it is', () => {
    const event = new OutgoingEvent({ channel: '/x', data: '✓' }, { lazy: 50 });
    const publication = { event, from: 's1', notToPublisher: true, to: ['s2'] };
    expect(encodeEnvelope({ publication, ...origin, stored: { id: 5, at: 6 } })).toBe(
      '{"v":1,"e":{"channel":"/x","data":"✓"},"n":["node0001",7],"f":"s1","x":1,"l":50,"to":["s2"],"h":5,"at":6}',
    );
  });

  it('brings everything back that it was given', () => {
    const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const parts = fc.record({
      data: fc.jsonValue(),
      lazy: fc.oneof(fc.boolean(), fc.nat()),
      volatile: fc.boolean(),
      from: optional(fc.string()),
      notToPublisher: fc.boolean(),
      to: optional(fc.array(fc.string())),
      stored: optional(fc.record({ id: fc.nat(), at: fc.nat() })),
    });
    fc.assert(
      fc.property(parts, ({ data, lazy, volatile, from, notToPublisher, to, stored }) => {
        const event = new OutgoingEvent({ channel: '/x', data }, { lazy, volatile });
        const publication = { event, ...(from !== undefined && { from, notToPublisher }), ...(to && { to }) };
        const read = decodeEnvelope(encodeEnvelope({ publication, ...origin, stored }));
        expect(read).toMatchObject({ ...origin, ...(stored && { stored }) });
        const { event: got, ...rest } = read?.publication ?? publication;
        expect(rest).toEqual({ ...(from !== undefined && { from, notToPublisher }), ...(to && { to }) });
        expect([got.json, got.lazy, got.volatile, got.replayId]).toEqual([
          event.json,
          event.lazy,
          volatile,
          stored?.id,
        ]);
      }),
    );
  });

  it.each([
    '',
    '{}',
    '{"v":2,"e":{"channel":"/x"},"n":["a",1]}',
    '{"v":1,',
    '{"v":1,"e":{},"n":["a",1]}',
    '{"v":1,"e":{"channel":"/x"},"n":["a"]}',
  ])('is not read when it is %s', (text) => {
    expect(decodeEnvelope(text)).toBeUndefined();
  });
});
