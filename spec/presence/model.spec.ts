import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PresentUser } from '../../src/ports/directory.ts';
import type { Visible } from '../../src/features/presence/options.ts';
import { laterDirectory } from '../support/later-directory.ts';
import { settle } from '../support/until.ts';
import { type Person, servePeopleWith } from './people.ts';
import { listFrom } from './viewer.ts';

const GRACE = 1000;
const EXPIRY = 15_000;
const rooms = ['/chat/a', '/chat/b'] as const;
const users = ['ann', 'bob', 'eve', undefined] as const;
const moods = ['open', 'shy', 'gone'] as const;

type Step =
  | { readonly do: 'open'; readonly user: number; readonly mood: number }
  | { readonly do: 'enter' | 'exit' | 'view' | 'hide' | 'ask'; readonly who: number; readonly room: number }
  /** Loads the page again: another session of the same user enters where the one before was. */
  | { readonly do: 'reload' | 'leave' | 'lose'; readonly who: number }
  | { readonly do: 'mood'; readonly who: number; readonly mood: number }
  | { readonly do: 'wait'; readonly ms: number };

const { constant, constantFrom, nat, record, oneof } = fc;
const room = nat({ max: rooms.length - 1 });
const mood = nat({ max: moods.length - 1 });

const steps = fc.array(
  oneof(
    {
      weight: 4,
      arbitrary: record({ do: constant('open' as const), user: nat({ max: users.length - 1 }), mood }),
    },
    {
      weight: 12,
      arbitrary: record({
        do: constantFrom(
          'enter' as const,
          'enter' as const,
          'exit' as const,
          'view' as const,
          'view' as const,
          'hide' as const,
          'ask' as const,
        ),
        who: nat(),
        room,
      }),
    },
    {
      weight: 5,
      arbitrary: record({
        do: constantFrom('reload' as const, 'reload' as const, 'leave' as const, 'lose' as const),
        who: nat(),
      }),
    },
    { weight: 2, arbitrary: record({ do: constant('mood' as const), who: nat(), mood }) },
    {
      weight: 4,
      arbitrary: record({ do: constant('wait' as const), ms: constantFrom(1, GRACE - 1, GRACE, EXPIRY) }),
    },
  ),
  // Without `size` most would be short.
  { maxLength: 60, size: 'max' },
);

/** Shy users are seen by themselves alone, and one viewer sees nobody else at all. */
const visible: Visible = ({ user: viewer }, { id, info }) =>
  viewer?.id === id || (info?.mood !== 'shy' && viewer?.id !== 'bob');

/** Who is where by the plain words of PS-3, PS-7 and PS-8: in no order, and without a directory. */
class Truth {
  readonly #until = new Map<string, Map<string, number>>();
  readonly #inside = new Map<string, Set<Actor>>();

  enter(room: string, actor: Actor): void {
    if (actor.user === undefined) this.#until.get(room)?.delete(actor.id);
    this.#inside.set(room, (this.#inside.get(room) ?? new Set()).add(actor));
  }

  exit(room: string, actor: Actor, now: number, comesBack: boolean): void {
    if (this.#inside.get(room)?.delete(actor) !== true || !comesBack) return;
    const until = this.#until.get(room) ?? new Map<string, number>();
    this.#until.set(room, until.set(actor.id, now + GRACE));
  }

  present(room: string, now: number): string[] {
    const inside = Array.from(this.#inside.get(room) ?? [], ({ id }) => id);
    const just = [...(this.#until.get(room) ?? [])].filter(([, until]) => until > now).map(([id]) => id);
    return [...new Set([...inside, ...just])].sort();
  }

  /** Where an actor is. */
  of(actor: Actor): string[] {
    return rooms.filter((room) => this.#inside.get(room)?.has(actor));
  }
}

/** A client that is open. */
interface Actor {
  readonly id: string;
  readonly user: string | undefined;
  readonly person: Person;
  readonly views: Set<string>;
}

async function play(
  all: readonly Step[],
  settings: { visible?: Visible; turns?: readonly number[]; mode?: 'total' },
): Promise<void> {
  const { turns } = settings;
  let calls = 0;
  const next = (): number => {
    calls += 1;
    return turns?.[calls % turns.length] ?? 1;
  };
  const { server, clock, person } = servePeopleWith(
    (local) => (turns === undefined ? local : laterDirectory(local, next)),
    {
      channels: {
        '/chat/*': {
          presence: { grace: GRACE, ...(settings.mode !== undefined && { mode: settings.mode }) },
        },
      },
      ...(settings.visible !== undefined && { presence: { visible: settings.visible } }),
    },
  );
  const truth = new Truth();
  const actors: Actor[] = [];
  const pick = (who: number): Actor | undefined => actors[who % Math.max(1, actors.length)];
  const open = async (user: string | undefined, mood: string): Promise<Actor> => {
    const one = await person(user, user === undefined ? undefined : { mood });
    const actor = { id: user ?? one.client.session.id, user, person: one, views: new Set<string>() };
    actors.push(actor);
    return actor;
  };
  const gone = (actor: Actor, now: number): void => {
    actors.splice(actors.indexOf(actor), 1);
    for (const where of truth.of(actor)) truth.exit(where, actor, now, actor.user !== undefined);
  };
  const take = async (step: Step): Promise<void> => {
    if (step.do === 'open') {
      await open(users[step.user], moods[step.mood] ?? '');
      return;
    }
    if (step.do === 'wait') {
      await clock.tick(step.ms);
      return;
    }
    const actor = pick(step.who);
    if (actor === undefined) return;
    const { session } = actor.person.client;
    const where = 'room' in step ? (rooms[step.room] ?? rooms[0]) : rooms[0];
    switch (step.do) {
      case 'enter':
        await actor.person.subscribe(where);
        truth.enter(where, actor);
        return;
      case 'exit':
        await actor.person.unsubscribe(where);
        truth.exit(where, actor, clock.now(), true);
        return;
      case 'view':
        await actor.person.subscribe(`/presence${where}`);
        actor.views.add(where);
        return;
      case 'hide':
        await actor.person.unsubscribe(`/presence${where}`);
        actor.views.delete(where);
        return;
      case 'ask':
        await actor.person.publish('/service/presence', { channel: where });
        return;
      case 'reload': {
        const places = truth.of(actor);
        const info = String(session.user?.info.mood);
        gone(actor, clock.now());
        await actor.person.leave();
        const again = await open(actor.user, info);
        for (const place of places) {
          await again.person.subscribe(place);
          truth.enter(place, again);
        }
        return;
      }
      case 'leave':
        gone(actor, clock.now());
        await actor.person.leave();
        return;
      case 'lose':
        actor.person.client.lose(actor.person.conduit);
        await clock.tick(EXPIRY);
        gone(actor, clock.now());
        return;
      case 'mood':
        if (actor.user !== undefined)
          session.user = { id: actor.user, info: { mood: moods[step.mood] ?? '' } };
        await actor.person.client.flushed();
    }
  };

  for (const step of all) {
    await take(step);
    if (turns === undefined && settings.mode === undefined)
      await check(actors, server, truth, clock.now(), settings.visible);
  }
  // Whatever is under way takes effect; snapshots that wait for their second come.
  await settle(30);
  for (let rounds = 0; rounds < 3; rounds += 1) {
    await clock.tick(1000);
    await settle(30);
  }
  await check(actors, server, truth, clock.now(), settings.visible);

  for (const actor of [...actors]) await actor.person.leave();
  await settle(30);
  await clock.tick(GRACE);
  await settle(30);
  for (const where of rooms) expect(await server.directory.rosters.read(where)).toMatchObject({ users: [] });
  expect(clock.pending).toBe(0);
}

async function check(
  actors: readonly Actor[],
  server: ReturnType<typeof servePeopleWith>['server'],
  truth: Truth,
  now: number,
  visible: Visible | undefined,
): Promise<void> {
  for (const where of rooms) {
    const { users: fresh } = await server.directory.rosters.read(where);
    expect(fresh.map(({ id }) => id).sort()).toEqual(truth.present(where, now));
    for (const { person, views } of actors) {
      if (!views.has(where)) continue;
      const list = listFrom(`/presence${where}`, since(person, where));
      const seen = fresh.filter((user) => visible?.(person.client.session, user, where) ?? true);
      if (!list.log.some((entry) => entry.startsWith('total')))
        expect(sorted([...list.users.values()])).toEqual(sorted(seen));
      expect(list.total).toBe(seen.length);
    }
  }
}

// A list of changes begins with the snapshot after the last subscribe: a client that unsubscribed forgot the list.
function since({ conduit }: Person, where: string): Person['conduit']['messages'] {
  const { messages } = conduit;
  const begin = messages.findLastIndex(
    ({ channel, subscription }) =>
      channel === '/meta/unsubscribe' && String(subscription) === `/presence${where}`,
  );
  return messages.slice(begin + 1);
}

function sorted(users: readonly PresentUser[]): readonly PresentUser[] {
  return users.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

const runs = { numRuns: 150, seed: 5 };

describe('whatever happens in which order, changes applied to a snapshot are the fresh list', () => {
  it(
    'for all to see (PS-6)',
    () =>
      fc.assert(
        fc.asyncProperty(steps, (all) => play(all, {})),
        runs,
      ),
    60_000,
  );

  it(
    'for each viewer what it may see (PS-13)',
    () =>
      fc.assert(
        fc.asyncProperty(steps, (all) => play(all, { visible })),
        runs,
      ),
    60_000,
  );

  it(
    'with a directory that answers later, in no order of its own',
    () =>
      fc.assert(
        fc.asyncProperty(steps, fc.array(nat({ max: 12 }), { minLength: 1, maxLength: 9 }), (all, turns) =>
          play(all, { turns }),
        ),
        runs,
      ),
    60_000,
  );

  it(
    'with such a directory, for each viewer what it may see',
    () =>
      fc.assert(
        fc.asyncProperty(steps, fc.array(nat({ max: 12 }), { minLength: 1, maxLength: 9 }), (all, turns) =>
          play(all, { turns, visible }),
        ),
        runs,
      ),
    60_000,
  );

  it.each([
    ['for all', {}],
    ['for each viewer what it may see', { visible }],
  ])(
    'numbers, %s (PS-10)',
    (_name, settings) =>
      fc.assert(
        fc.asyncProperty(steps, fc.array(nat({ max: 12 }), { minLength: 1, maxLength: 9 }), (all, turns) =>
          play(all, { ...settings, turns, mode: 'total' }),
        ),
        runs,
      ),
    60_000,
  );
});
