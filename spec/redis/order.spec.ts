import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CutProxy, type CutPoint, cutPoints } from '../support/cut-proxy.ts';
import { turn } from '../support/until.ts';
import { describeWithRedis, type TestCluster } from './cluster.ts';
import { libraries } from './libraries.ts';
import { TestNode } from './test-node.ts';

type Step =
  | { readonly is: 'publish'; readonly node: number; readonly count: number }
  | { readonly is: 'cut'; readonly node: number }
  | { readonly is: 'cut at'; readonly node: number; readonly point: CutPoint; readonly marker: string }
  | { readonly is: 'hold back'; readonly node: number }
  | { readonly is: 'let go'; readonly node: number }
  | { readonly is: 'stop' }
  | { readonly is: 'wait'; readonly turns: number };

const names = ['a', 'b', 'c'];
const node = fc.nat({ max: names.length - 1 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('publish' as const),
      node,
      count: fc.integer({ min: 1, max: 90 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('cut' as const), node }) },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('cut at' as const),
      node,
      point: fc.constantFrom(...cutPoints),
      marker: fc.constantFrom('EVALSHA', 'XREAD'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('hold back' as const), node }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('let go' as const), node }) },
  { weight: 1, arbitrary: fc.constant({ is: 'stop' as const }) },
  {
    weight: 5,
    arbitrary: fc.record({ is: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 400 }) }),
  },
);

const schedule = fc.record({
  library: fc.constantFrom(...Object.keys(libraries)),
  // A short one refuses publications whose fate is unknown; then nobody may get them.
  hold: fc.constantFrom(200, 20_000),
  steps: fc.array(step, { minLength: 5, maxLength: 40 }),
});

interface Member {
  readonly proxy: CutProxy;
  readonly test: TestNode;
}

describeWithRedis('publications over connections that are cut at random', (cluster) => {
  it('are each in every mailbox exactly once if they were accepted, else in none, and in one common order', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(schedule, async ({ library, hold, steps }) => {
        const members = await open(cluster(), library, hold);
        try {
          await check(cluster(), members, steps);
        } finally {
          cluster().redis.continue();
          for (const { proxy, test } of members) {
            await test.node.close();
            proxy.close();
          }
        }
      }),
      { numRuns: Number(process.env.RUNS ?? 12), timeout: 15_000, endOnFailure: true },
    );
  });
});

async function open({ redis }: TestCluster, library: string, hold: number): Promise<Member[]> {
  const namespace = randomUUID();
  return Promise.all(
    names.map(async (name) => {
      const proxy = await CutProxy.to(redis.port);
      const dial = libraries[library]?.(proxy.url) ?? proxy.url;
      const test = await TestNode.open(name, dial, { namespace, limits: { hold }, leaseMs: 30_000 }, '/x');
      return { proxy, test };
    }),
  );
}

async function check(
  { redis }: TestCluster,
  members: readonly Member[],
  steps: readonly Step[],
): Promise<void> {
  const outcomes: Promise<readonly [string, string]>[] = [];
  const sent = names.map(() => 0);
  const publish = (at: number): void => {
    const own = (sent[at] ?? 0) + 1;
    sent[at] = own;
    const id = `${names[at]}${own}`;
    const outcome = members[at]?.test.outcome(id) ?? Promise.resolve('none');
    outcomes.push(outcome.then((one) => [id, one] as const));
  };
  for (const one of steps) {
    if (one.is === 'publish') for (let count = 0; count < one.count; count += 1) publish(one.node);
    else if (one.is === 'wait') for (let turns = 0; turns < one.turns; turns += 1) await turn();
    else if (one.is === 'stop') redis.pause();
    else act(members[one.node]?.proxy, one);
  }
  redis.continue();
  for (const { proxy } of members) proxy.resume();
  const settled = await Promise.all(outcomes);
  // Whoever got these has got all before them.
  for (const { test } of members)
    await expect.poll(() => test.outcome('end'), { timeout: 10_000 }).toBe('accepted');
  const ends = (got: readonly unknown[]): number => got.filter((data) => data === 'end').length;
  const total = Math.max(...members.map(({ test }) => ends(test.got)));
  for (const { test } of members) await expect.poll(() => ends(test.got), { timeout: 10_000 }).toBe(total);

  const first = members[0]?.test.got.filter((data) => data !== 'end') ?? [];
  for (const { test } of members) {
    expect(test.got.filter((data) => data !== 'end')).toEqual(first);
    expect(test.gaps).toEqual([]);
  }
  const accepted = settled.filter(([, outcome]) => outcome === 'accepted').map(([id]) => id);
  expect(first.toSorted()).toEqual(accepted.toSorted());
  for (const name of names) {
    const of = (ids: readonly unknown[]) => ids.filter((id) => String(id).startsWith(name));
    expect(of(first)).toEqual(of(accepted));
  }
}

function act(proxy: CutProxy | undefined, one: Step): void {
  if (one.is === 'cut') proxy?.cut();
  if (one.is === 'cut at') void proxy?.cutAt(one.point, one.marker);
  if (one.is === 'hold back') proxy?.pause();
  if (one.is === 'let go') proxy?.resume();
}
