import { describe, expect, it } from 'vitest';
import { sendOdd } from './fuzzed.ts';

describe('odd requests to the API', () => {
  it('get answers that its document has, and no 500', { timeout: 60_000 }, async () => {
    const counts = await sendOdd(1000);
    expect([...counts.keys()]).toEqual(expect.arrayContaining(['200', '400', '401', '404', '405', '415']));
  });
});
