import { describe, expect, it } from 'vitest';
import type { Directory } from '../../../src/ports/directory.ts';

/** A directory, and what it is to know. */
export interface DirectoryUnderTest {
  readonly directory: Directory;
  /** Opens a session; gives its public id. */
  open(user?: string): Promise<string>;
  subscribe(id: string, pattern: string): Promise<void>;
  close(id: string): Promise<void>;
}

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
      expect([...(await directory.members('/a/b'))].sort()).toEqual([one, two].sort());
      expect(await directory.count('/a/b')).toBe(2);
      expect(await directory.members('/x')).toEqual([two]);
      await close(two);
      expect([
        await directory.members('/x'),
        await directory.count('/x'),
        await directory.count('/a/b'),
      ]).toEqual([[], 0, 1]);
    });

    it('counts everyone', async () => {
      const { directory, open, close } = make();
      expect(await directory.count()).toBe(0);
      const one = await open('ann');
      await open();
      expect(await directory.count()).toBe(2);
      await close(one);
      expect(await directory.count()).toBe(1);
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
