import { describe, expect, it } from 'vitest';
import { sendOdd } from '../http/api/fuzzed.ts';

describe('odd requests to the API', () => {
  it('get answers that its document has, and no 500, 20,000 times', async () => {
    const counts = await sendOdd(20_000);
    console.log(Object.fromEntries([...counts].sort()));
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(20_000);
  });
});
