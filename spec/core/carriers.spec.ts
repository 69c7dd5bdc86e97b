import { it } from 'vitest';
import { carriersKeepOrder } from './carriers-model.ts';

it('every event arrives in order, and twice only where marked, while carriers go dark, recover and overlap', () =>
  carriersKeepOrder(300));
