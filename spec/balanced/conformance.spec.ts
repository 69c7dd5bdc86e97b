import { describe, expect, it } from 'vitest';
import { sections } from '../conformance/checks/all.ts';
import { casesOf, runAll } from '../conformance/run.ts';
import { nameOf } from '../conformance/table.ts';
import { host } from '../interop/host.ts';

describe('conformance', () => {
  it('of three nodes is that of one, whichever node each request comes to', {
    timeout: 300_000,
  }, async () => {
    const results = await runAll(await host(), casesOf(sections));
    const failures = results.filter(({ failure }) => failure !== undefined);
    expect(failures.map((one) => `${nameOf(one)}: ${one.failure}`)).toEqual([]);
    expect(results.length).toBeGreaterThan(300);
  });
});
