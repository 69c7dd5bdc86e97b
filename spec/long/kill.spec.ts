import { describe, expect, it } from 'vitest';
import { survivesKills } from '../history/kill-run.ts';

describe('kill -9 fifty times under load', () => {
  it.each([false, true])(
    'loses nothing that was answered, nor issues an id again; synced: %s',
    async (sync) => {
      const { answered, stored } = await survivesKills(50, { sync, most: 3000 });
      console.log(`synced: ${sync}: 50 kills, ${answered} publishes answered, ${stored} events stored`);
      expect(stored).toBeGreaterThanOrEqual(answered);
    },
  );
});
