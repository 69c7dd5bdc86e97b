import { it } from 'vitest';
import { carriersKeepOrder } from '../core/carriers-model.ts';

it('every event arrives in order, and twice only where marked, in 10,000 schedules of carriers', () =>
  carriersKeepOrder(10_000));
