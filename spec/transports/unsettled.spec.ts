import { describe, expect, it } from 'vitest';
import type { Outgoing } from '../../src/protocol/outgoing.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import { Unsettled } from '../../src/transports/unsettled.ts';

/** Three batches that were written, and what is told of them. */
function three() {
  const told: [name: string, whole: boolean, mayHaveArrived: boolean | undefined][] = [];
  const unsettled = new Unsettled();
  const add = (name: string) => {
    const batch = [new OutgoingEvent({ channel: '/n', data: name })];
    return unsettled.add(batch, {
      settled(settled: readonly Outgoing[], whole: boolean, mayHaveArrived?: boolean) {
        expect(settled).toBe(batch);
        told.push([name, whole, mayHaveArrived]);
      },
      moved() {},
      sentLarge() {},
    });
  };
  return { told, unsettled, written: [add('a'), add('b'), add('c')] as const };
}

describe('batches that were written', () => {
  it('have left when a later one has, in their order, and are told once', () => {
    const { told, unsettled, written } = three();
    unsettled.settleUpTo(written[1]);
    expect(told).toEqual([
      ['a', true, undefined],
      ['b', true, undefined],
    ]);
    expect([unsettled.isEmpty, unsettled.last]).toEqual([false, written[2]]);
    unsettled.settleUpTo(written[0]);
    unsettled.settleUpTo(written[2]);
    expect(told.slice(2)).toEqual([['c', true, undefined]]);
    expect(unsettled.isEmpty).toBe(true);
  });

  it('are lost with their connection, newest first', () => {
    const { told, unsettled, written } = three();
    unsettled.settleUpTo(written[0]);
    unsettled.lose();
    unsettled.lose();
    unsettled.settleUpTo(written[2]);
    expect(told.slice(1)).toEqual([
      ['c', false, true],
      ['b', false, true],
    ]);
  });
});
