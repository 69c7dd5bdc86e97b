import { expect, it } from 'vitest';
import { shownDuration } from '../../src/cli/ask/shown-time.ts';

it.each([
  [-5000, '0s'],
  [0, '0s'],
  [999, '0s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [192_000, '3m12s'],
  [3_600_000, '1h'],
  [7_500_000, '2h5m'],
  [86_400_000, '1d'],
  [3 * 86_400_000 + 4 * 3_600_000 + 59 * 60_000, '3d4h'],
])('%i ms is shown as %s', (ms, text) => {
  expect(shownDuration(ms)).toBe(text);
});
