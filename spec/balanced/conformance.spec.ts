import { describe, expect, it } from 'vitest';
import { sections } from '../conformance/checks/all.ts';
import { casesOf, runAll } from '../conformance/run.ts';
import { nameOf } from '../conformance/table.ts';
import { host } from '../interop/host.ts';

/** Checks that fail here, and why. */
const differs: Record<string, string> = {
  'HT-9': 'nginx refuses a body over a mebibyte itself',
  'ES-3': 'nginx keeps the header X-Accel-Buffering',
  'CN-12': 'the tabs of a browser are counted by each node alone',
  'CK-4': 'the tabs of a browser are counted by each node alone',
};

describe('conformance', () => {
  it('of three nodes is that of one, whichever node each request comes to', {
    timeout: 300_000,
  }, async () => {
    const cases = casesOf(sections).filter(({ check }) => !(check.id in differs));
    const { url } = await host();
    const results = await runAll({ url, nodes: 3 }, cases, { atOnce: 6, ms: 60_000 });
    const failures = results.filter(({ failure }) => failure !== undefined);
    expect(failures.map((one) => `${nameOf(one)}: ${one.failure}`)).toEqual([]);
    expect(results.length).toBeGreaterThan(300);
  });
});
