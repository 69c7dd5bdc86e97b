import { describe, expect, it } from 'vitest';
import type { Attendee, RosterChange, Rosters } from '../../../src/ports/directory.ts';

/** What a node has heard of a roster: `3 join ann 1 of 2`. */
export const heard = ({ seq, type, user, total }: RosterChange): string =>
  `${seq} ${type} ${user.id} ${user.sessions} of ${total}`;

const patience = { timeout: 5000, interval: 5 };
const ann: Attendee = { id: 'ann', session: 'a1', info: { name: 'Ann' }, since: 1 };
const bob: Attendee = { id: 'bob', session: 'b1', since: 2 };

/** What the rosters of the nodes of a cluster keep to. `make` gives those of three nodes. */
export function rostersContract(
  name: string,
  make: () => Promise<readonly [Rosters, Rosters, Rosters]>,
): void {
  describe(`the rosters of ${name}`, () => {
    it('tell each change on each node that watches, with the same numbers', async () => {
      const [a, b, c] = await make();
      const told: string[][] = [[], [], []];
      const ends = await Promise.all(
        [a, b, c].map((one, at) => one.watch('/a', (change) => void told[at]?.push(heard(change)))),
      );
      await a.enter('/a', ann);
      await b.enter('/a', { ...ann, session: 'a2' });
      await c.enter('/a', bob);
      await c.enter('/b', bob);
      await a.leave('/a', ann);
      await b.leave('/a', { ...ann, session: 'a2' });
      const all = [
        '1 join ann 1 of 1',
        '2 update ann 2 of 1',
        '3 join bob 1 of 2',
        '4 update ann 1 of 2',
        '5 leave ann 0 of 1',
      ];
      for (const one of told) await expect.poll(() => one, patience).toEqual(all);
      for (const one of [a, b, c]) {
        expect(await one.read('/a')).toEqual({
          seq: 5,
          total: 1,
          users: [{ id: 'bob', since: 2, sessions: 1 }],
        });
        expect(await one.size('/a')).toEqual({ seq: 5, total: 1 });
      }
      for (const end of ends) end();
    });

    it('tell a node of its own change before the call is done', async () => {
      const [a] = await make();
      const told: string[] = [];
      await a.watch('/a', (change) => void told.push(heard(change)));
      await a.enter('/a', ann);
      expect(told).toEqual(['1 join ann 1 of 1']);
      expect((await a.read('/a')).seq).toBe(1);
      await a.linger('/a', ann);
      await a.enter('/a', { ...ann, session: 'a2' });
      await a.leave('/a', { ...ann, session: 'a2' });
      expect(told.slice(1)).toEqual(['2 leave ann 0 of 0']);
    });

    it('give the place of a session that lingers to one on another node', async () => {
      const [a, b, c] = await make();
      const told: string[] = [];
      await c.watch('/a', (change) => void told.push(heard(change)));
      await a.enter('/a', ann);
      await a.linger('/a', ann);
      await b.enter('/a', { ...ann, session: 'a2' });
      await a.leave('/a', ann);
      await b.leave('/a', { ...ann, session: 'a2' });
      await expect.poll(() => told, patience).toEqual(['1 join ann 1 of 1', '2 leave ann 0 of 0']);
    });

    it('have all changes after what a node has read, when it begins to watch while others change', async () => {
      const [a, b, c] = await make();
      let goesOn = true;
      const changing = [a, b].map(async (one, place) => {
        const who = { id: `u${place}`, session: `s${place}`, since: 1 };
        while (goesOn) {
          await one.enter('/a', who);
          await one.leave('/a', who);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      for (let round = 0; round < 5; round += 1) {
        const told: RosterChange[] = [];
        const end = await c.watch('/a', (change) => void told.push(change));
        const { seq, users } = await c.read('/a');
        await expect.poll(() => told.length, patience).toBeGreaterThan(20);
        const list = new Map(users.map((user) => [user.id, user]));
        const later = told.filter((change) => change.seq > seq);
        expect(later.map((change) => change.seq - seq)).toEqual(later.map((_, at) => at + 1));
        for (const { type, user, total } of later) {
          expect(list.has(user.id)).toBe(type !== 'join');
          if (type === 'leave') list.delete(user.id);
          else list.set(user.id, user);
          expect(list.size).toBe(total);
        }
        end();
      }
      goesOn = false;
      await Promise.all(changing);
      expect((await c.read('/a')).users).toEqual([]);
    });

    it('tell nothing to a listener that has ended, and go on for others', async () => {
      const [a, b] = await make();
      const told: string[][] = [[], []];
      const one = await b.watch('/a', (change) => void told[0]?.push(heard(change)));
      const other = await b.watch('/a', (change) => void told[1]?.push(heard(change)));
      one();
      one();
      await a.enter('/a', ann);
      await expect.poll(() => told[1], patience).toEqual(['1 join ann 1 of 1']);
      other();
      await a.enter('/a', bob);
      const again = await b.watch('/a', (change) => void told[0]?.push(heard(change)));
      await a.leave('/a', bob);
      await expect.poll(() => told[0], patience).toEqual(['3 leave bob 0 of 1']);
      expect(told[1]).toHaveLength(1);
      again();
    });
  });
}
