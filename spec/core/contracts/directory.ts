import { describe, expect, it } from 'vitest';
import type { Directory, RosterChange, Sum } from '../../../src/ports/directory.ts';

/** A directory, and what it is to know. */
export interface DirectoryUnderTest {
  readonly directory: Directory;
  /** Opens a session; gives its public id. */
  open(user?: string): Promise<string>;
  subscribe(id: string, pattern: string): Promise<void>;
  close(id: string): Promise<void>;
}

const all = <T>(value: T): Sum<T> => ({ value, complete: true });

/** What every directory keeps to. */
export function directoryContract(name: string, make: () => DirectoryUnderTest): void {
  describe(`${name} directory`, () => {
    it('knows the sessions of a user', async () => {
      const { directory, open, close } = make();
      const [one, two, other] = [await open('ann'), await open('ann'), await open('bob')];
      await open();
      expect([...(await directory.sessionsOf('ann'))].sort()).toEqual([one, two].sort());
      expect(await directory.sessionsOf('bob')).toEqual([other]);
      expect(await directory.sessionsOf('nobody')).toEqual([]);
      await close(one);
      expect(await directory.sessionsOf('ann')).toEqual([two]);
      await close(two);
      expect(await directory.sessionsOf('ann')).toEqual([]);
    });

    it('knows whom an event on a channel would reach, each once', async () => {
      const { directory, open, subscribe, close } = make();
      const [one, two] = [await open(), await open()];
      await subscribe(one, '/a/b');
      await subscribe(one, '/a/*');
      await subscribe(two, '/**');
      expect([...(await directory.members('/a/b')).value].sort()).toEqual([one, two].sort());
      expect(await directory.count('/a/b')).toEqual(all(2));
      expect(await directory.members('/x')).toEqual(all([two]));
      await close(two);
      expect([
        await directory.members('/x'),
        await directory.count('/x'),
        await directory.count('/a/b'),
      ]).toEqual([all([]), all(0), all(1)]);
    });

    it('counts everyone', async () => {
      const { directory, open, close } = make();
      expect(await directory.count()).toEqual(all(0));
      const one = await open('ann');
      await open();
      expect(await directory.count()).toEqual(all(2));
      await close(one);
      expect(await directory.count()).toEqual(all(1));
    });

    it('lists users on rosters, several sessions of a user as one', async () => {
      const { rosters } = make().directory;
      expect([await rosters.read('/a'), await rosters.size('/a')]).toEqual([
        { seq: 0, total: 0, users: [] },
        { seq: 0, total: 0 },
      ]);
      const ann = { id: 'ann', session: 's1', info: { name: 'Ann' }, since: 1 };
      await rosters.enter('/a', ann);
      await rosters.enter('/a', { ...ann, session: 's2', since: 2 });
      await rosters.enter('/a', { id: 's3', session: 's3', since: 3 });
      await rosters.enter('/b', { id: 'bob', session: 's4', info: {}, since: 4 });
      expect(await rosters.read('/a')).toEqual({
        seq: 3,
        total: 2,
        users: [
          { id: 'ann', info: { name: 'Ann' }, since: 1, sessions: 2 },
          { id: 's3', since: 3, sessions: 1 },
        ],
      });
      await rosters.leave('/a', ann);
      await rosters.leave('/a', ann);
      await rosters.leave('/a', { id: 's3', session: 's3', since: 3 });
      await rosters.leave('/a', { id: 'nobody', session: 's9', since: 0 });
      await rosters.leave('/c', ann);
      expect(await rosters.size('/a')).toEqual({ seq: 5, total: 1 });
      expect((await rosters.read('/b')).users).toEqual([{ id: 'bob', info: {}, since: 4, sessions: 1 }]);
    });

    it('tells each change of a roster to all who watch it, in order and without a hole', async () => {
      const { rosters } = make().directory;
      const told: RosterChange[][] = [[], []];
      const ends = await Promise.all(
        told.map((list) => rosters.watch('/a', (change) => void list.push(change))),
      );
      const ann = { id: 'ann', session: 's1', info: { name: 'Ann' }, since: 1 };
      await rosters.enter('/a', ann);
      await rosters.enter('/a', ann);
      await rosters.enter('/a', { ...ann, info: { name: 'Anna' } });
      await rosters.enter('/a', { ...ann, session: 's2' });
      await rosters.enter('/a', { ...ann, session: 's3' }, 's2');
      await rosters.enter('/b', { id: 'bob', session: 's4', since: 4 });
      await rosters.leave('/a', ann);
      await rosters.leave('/a', { ...ann, session: 's3' });
      const first = { id: 'ann', info: { name: 'Ann' }, since: 1 };
      const then = { ...first, info: { name: 'Anna' } };
      const all = [
        { type: 'join', user: { ...first, sessions: 1 }, total: 1, seq: 1 },
        { type: 'update', user: { ...then, sessions: 1 }, total: 1, seq: 2 },
        { type: 'update', user: { ...first, sessions: 2 }, total: 1, seq: 3 },
        { type: 'update', user: { ...first, sessions: 1 }, total: 1, seq: 4 },
        { type: 'leave', user: { ...first, sessions: 0 }, total: 0, seq: 5 },
      ];
      expect(told).toEqual([all, all]);
      ends[0]?.();
      await rosters.enter('/a', ann);
      expect(told.map((list) => list.length)).toEqual([5, 6]);
      expect(told[1]?.[5]?.seq).toBe(6);
      for (const end of ends) end();
    });

    it('gives the place of a session that lingers to the next one of the entry', async () => {
      const { rosters } = make().directory;
      const ann = { id: 'ann', session: 's1', info: { name: 'Ann' }, since: 1 };
      const told: string[] = [];
      const end = await rosters.watch('/a', ({ type, user }) => void told.push(`${type} ${user.sessions}`));
      await rosters.enter('/a', ann);
      await rosters.enter('/a', { ...ann, session: 's2' });
      await rosters.linger('/a', ann);
      await rosters.linger('/a', { ...ann, session: 's9' });
      await rosters.linger('/b', ann);
      await rosters.enter('/a', { ...ann, session: 's2' });
      expect(await rosters.size('/a')).toEqual({ seq: 2, total: 1 });
      await rosters.enter('/a', { ...ann, session: 's3', since: 3 });
      await rosters.leave('/a', ann);
      expect((await rosters.read('/a')).users).toMatchObject([{ since: 1, sessions: 2 }]);
      await rosters.linger('/a', { ...ann, session: 's3' });
      await rosters.enter('/a', { ...ann, session: 's3' });
      await rosters.enter('/a', { ...ann, session: 's4' });
      await rosters.linger('/a', { ...ann, session: 's4' });
      await rosters.leave('/a', { ...ann, session: 's4' });
      expect(told).toEqual(['join 1', 'update 2', 'update 3', 'update 2']);
      expect(await rosters.read('/b')).toEqual({ seq: 0, total: 0, users: [] });
      end();
    });

    it('tells all who watch of a change before it tells of the next, which a listener caused', async () => {
      const { rosters } = make().directory;
      const told: number[][] = [[], []];
      let again: unknown;
      await rosters.watch('/a', ({ seq, type }) => {
        told[0]?.push(seq);
        if (type === 'join') again = rosters.leave('/a', { id: 'ann', session: 's1', since: 1 });
      });
      await rosters.watch('/a', ({ seq }) => void told[1]?.push(seq));
      await rosters.enter('/a', { id: 'ann', session: 's1', since: 1 });
      await again;
      expect(told).toEqual([
        [1, 2],
        [1, 2],
      ]);
    });

    it('keeps groups of users, each user once', async () => {
      const { groups } = make().directory;
      expect(await groups.members('editors')).toEqual([]);
      for (const user of ['ann', 'bob', 'ann']) await groups.add('editors', user);
      await groups.add('readers', 'eve');
      expect([await groups.members('editors'), await groups.members('readers')]).toEqual([
        ['ann', 'bob'],
        ['eve'],
      ]);
      await groups.remove('editors', 'ann');
      await groups.remove('editors', 'nobody');
      await groups.remove('none', 'ann');
      expect(await groups.members('editors')).toEqual(['bob']);
      await groups.remove('editors', 'bob');
      expect(await groups.members('editors')).toEqual([]);
    });

    it('carries out what was asked about one group in the order of the calls', async () => {
      const { groups } = make().directory;
      await Promise.all([
        groups.add('editors', 'ann'),
        groups.remove('editors', 'ann'),
        groups.add('editors', 'bob'),
      ]);
      expect(await groups.members('editors')).toEqual(['bob']);
    });

    it('knows users with the names of the objects they are kept in (CH-9)', async () => {
      const { directory, open } = make();
      expect([await directory.sessionsOf('constructor'), await directory.sessionsOf('__proto__')]).toEqual([
        [],
        [],
      ]);
      const one = await open('__proto__');
      expect(await directory.sessionsOf('__proto__')).toEqual([one]);
    });
  });
}
