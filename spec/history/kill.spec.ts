import { describe, expect, it } from 'vitest';
import { survivesKills } from './kill-run.ts';

// The long run is in spec/long/kill.spec.ts.
describe('kill -9 under load', () => {
  it.each([
    { sync: false, times: 3 },
    { sync: true, times: 1 },
  ])(
    'loses nothing that was answered, nor issues an id again: $times x, synced: $sync',
    async ({ sync, times }) => {
      const { answered, stored } = await survivesKills(times, { sync, most: 300 });
      expect(answered).toBeGreaterThanOrEqual(times);
      expect(stored).toBeGreaterThanOrEqual(answered);
    },
    60_000,
  );
});
