import { describe, it } from 'vitest';
import { carriersKeepOrder as fakeCarriersKeepOrder } from '../core/carriers-model.ts';
import { carriersKeepOrder, kinds } from '../transports/carriers-model.ts';

it('every event arrives in order, and twice only where marked, in 10,000 schedules of carriers', () =>
  fakeCarriersKeepOrder(10_000));

describe('the same by real transports, in 10,000 rounds of carriers that go dark, stall, recover and overlap', () => {
  it.each(Object.entries(kinds))('%s', (_name, kind) => carriersKeepOrder(2_500, kind));
});
