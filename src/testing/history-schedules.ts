import assert from 'node:assert/strict';
import type { StoredEvent } from '../ports/history-store.ts';
import { type MakeStore, OpenStore, retentionOf, TODAY } from './open-store.ts';

type Step =
  | { readonly do: 'append'; readonly channel: string }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'expire' | 'reopen' }
  | { readonly do: 'read'; readonly pattern: string; readonly after: number; readonly limit: number };

/** Lets stores and lists of events go through the same, at random. Fails with the fewest steps after which they differ. */
export async function checkSchedules(make: MakeStore, runs: number): Promise<void> {
  for (let run = 0; run < runs; run += 1) {
    const steps = Array.from({ length: between(1, 60) }, randomStep);
    if ((await failureOf(make, steps)) === undefined) continue;
    const fewest = await shortened(make, steps);
    const cause = (await failureOf(make, fewest))?.error;
    const told = fewest.map((step) => JSON.stringify(step)).join('\n');
    throw new Error(`the store does not do as a list of events would, after\n${told}\n${cause}`, { cause });
  }
}

const channels = ['/a', '/a/x', '/a/x/deep', '/b/x', '/c'] as const;
const patterns = [...channels, '/*', '/**', '/a/*', '/a/**', '/b/*', '/a/x/*', '/nothing/**'] as const;

function randomStep(): Step {
  const roll = between(1, 19);
  if (roll <= 8) return { do: 'append', channel: oneOf(channels) };
  if (roll <= 11) return { do: 'wait', ms: between(-300, 1500) };
  if (roll <= 13) return { do: oneOf(['expire', 'reopen']) };
  return { do: 'read', pattern: oneOf(patterns), after: between(0, 60), limit: between(1, 8) };
}

function between(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

function oneOf<T>(values: readonly [T, ...T[]]): T {
  return values[between(0, values.length - 1)] ?? values[0];
}

/** The steps without those that are not needed to fail. */
async function shortened(make: MakeStore, steps: readonly Step[]): Promise<readonly Step[]> {
  let left = steps;
  for (let at = 0; at < left.length; ) {
    const fewer = left.toSpliced(at, 1);
    if ((await failureOf(make, fewer)) === undefined) at += 1;
    else left = fewer;
  }
  return left;
}

async function failureOf(make: MakeStore, steps: readonly Step[]): Promise<{ error: unknown } | undefined> {
  try {
    await OpenStore.during(make, (store) => checkAgainstList(store, steps));
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Keeps events the plain way. */
class Listing {
  readonly began = TODAY * 1000;
  #events: (StoredEvent & { discarded?: true })[] = [];

  get newest(): number {
    return this.#events.at(-1)?.id ?? this.began;
  }

  id(at: number): number {
    return this.#events[at]?.id ?? this.began;
  }

  kept(pattern: string): StoredEvent[] {
    return this.#events
      .filter((one) => !one.discarded && covers(pattern, one.channel))
      .map(({ discarded: _, ...stored }) => stored);
  }

  gone(pattern: string): StoredEvent[] {
    return this.#events.filter((one) => one.discarded && covers(pattern, one.channel));
  }

  append(stored: StoredEvent): void {
    this.#events.push(stored);
    const own = this.kept(stored.channel);
    this.#discard(own.slice(0, Math.max(0, own.length - retentionOf(stored.channel).maxEvents)));
  }

  expire(now: number): void {
    this.#discard(this.kept('/**').filter(({ at, channel }) => at < now - retentionOf(channel).maxAge));
  }

  #discard(events: readonly StoredEvent[]): void {
    const ids = new Set(events.map(({ id }) => id));
    this.#events = this.#events.map((one) => (ids.has(one.id) ? { ...one, discarded: true } : one));
  }
}

async function checkAgainstList(store: OpenStore, steps: readonly Step[]): Promise<void> {
  const list = new Listing();
  for (const step of steps) {
    switch (step.do) {
      case 'append':
        await checkAppend(store, list, step.channel);
        break;
      case 'wait':
        store.now += step.ms;
        break;
      case 'expire':
        await store.expire();
        list.expire(store.now);
        break;
      case 'reopen':
        await store.reopen();
        break;
      case 'read':
        await checkRead(store, list, step);
        break;
    }
    // A store that was opened again may go on higher up.
    assert.ok(store.newest >= list.newest, `newest is ${store.newest}, below an id that was issued`);
  }
}

async function checkAppend(store: OpenStore, list: Listing, channel: string): Promise<void> {
  const json = JSON.stringify({ channel, data: list.newest });
  const stored = await store.append(channel, json);
  const { id, at } = stored;
  assert.deepEqual(stored, { id, channel, at, json });
  assert.ok(id > list.newest, `${id} is not above ${list.newest}`);
  assert.equal(store.newest, id);
  const before = Math.max(store.now, ...list.kept('/**').map((one) => one.at));
  assert.ok(at >= before, `stored at ${at}, which is before ${before}`);
  list.append(stored);
}

async function checkRead(
  store: OpenStore,
  list: Listing,
  { pattern, after: at, limit }: Extract<Step, { do: 'read' }>,
): Promise<void> {
  const after = list.id(at);
  const expected = list.kept(pattern).filter(({ id }) => id > after);
  assert.deepEqual(await store.read(pattern, after, limit), expected.slice(0, limit));

  const below = list.kept(pattern).filter(({ id }) => id < after);
  assert.deepEqual(await store.last(pattern, after, limit), below.slice(-limit));

  const { oldest, discardedThrough } = await store.range(pattern);
  assert.equal(oldest, list.kept(pattern)[0]?.id);
  const highest = (events: readonly StoredEvent[]) => Math.max(list.began, ...events.map(({ id }) => id));
  // It may doubt too much, never too little.
  const [least, most] = [highest(list.gone(pattern)), highest(list.gone('/**'))];
  assert.ok(discardedThrough >= least, `discardedThrough is ${discardedThrough}, but ${least} was discarded`);
  assert.ok(
    discardedThrough <= most,
    `discardedThrough is ${discardedThrough}, but only ${most} was discarded`,
  );
}

function covers(pattern: string, channel: string): boolean {
  const [wanted, given] = [pattern.split('/'), channel.split('/')];
  const last = wanted.at(-1);
  if (last !== '*' && last !== '**') return pattern === channel;
  const above = wanted.slice(0, -1);
  const deep = given.length - above.length;
  return above.every((one, at) => one === given[at]) && (last === '*' ? deep === 1 : deep >= 1);
}
