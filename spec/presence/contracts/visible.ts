import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../../src/lib/log.ts';
import type { Visible } from '../../../src/features/presence/options.ts';
import type { ServePeople } from '../people.ts';

/** Who sees whom, whatever the servers. */
export function visibleSpecs(name: string, servePeople: ServePeople): void {
  describe(name, () => {
    const room = '/chat/room';
    const list = '/presence/chat/room';

    /** Those who are hidden see themselves, and nobody else sees them. */
    const hidden = new Set(['ghost']);
    const visible: Visible = ({ user }, { id }) => !hidden.has(id) || user?.id === id;

    describe('a viewer sees', () => {
      it('only those it may see; nothing betrays the others (PS-13)', async () => {
        const { person, clock } = servePeople({ presence: { visible } });
        const [eve, ghost, ann] = [await person('eve'), await person('ghost'), await person('ann')];
        await ghost.subscribe(room);
        await eve.subscribe(list);
        await ghost.subscribe(list);
        await ann.subscribe(room);
        await ghost.unsubscribe(room);
        await clock.tick(10_000);
        await ghost.subscribe(room);
        await ann.unsubscribe(room);
        await clock.tick(10_000);
        expect(eve.told(list).map((one) => [one.type, one.total, one.seq])).toEqual([
          ['snapshot', 0, 0],
          ['join', 1, 1],
          ['leave', 0, 2],
        ]);
        expect(ghost.list(list).log).toEqual([
          'snapshot 1',
          'join ann',
          'leave ghost',
          'join ghost',
          'leave ann',
        ]);
        expect(JSON.stringify(eve.conduit.messages)).not.toContain('ghost');
        await eve.publish('/service/presence', { channel: room });
        expect(eve.told(list).at(-1)).toEqual({ type: 'snapshot', users: [], total: 0, seq: 2 });
      });

      it('a number that counts only those, and only when it is another', async () => {
        const { person, clock } = servePeople({
          presence: { visible },
          channels: { '/chat/*': { presence: { mode: 'total' } } },
        });
        const [eve, ghost, ann] = [await person('eve'), await person('ghost'), await person('ann')];
        await ghost.subscribe(room, list);
        await eve.subscribe(list);
        await clock.tick(5000);
        await ann.subscribe(room);
        await clock.tick(5000);
        expect([eve.told(list), ghost.list(list).log]).toEqual([
          [
            { type: 'total', total: 0, seq: 0 },
            { type: 'total', total: 1, seq: 1 },
          ],
          ['total 1', 'total 2'],
        ]);
      });

      it('one who is shown from now on join, and one who is hidden from now on leave', async () => {
        const { person } = servePeople({
          presence: { visible: (_viewer, { info }) => info?.away !== 'yes' },
        });
        const [eve, ann] = [await person('eve'), await person('ann', { away: 'no' })];
        await ann.subscribe(room);
        await eve.subscribe(list);
        for (const away of ['yes', 'yes', 'no']) {
          ann.client.session.user = { id: 'ann', info: { away } };
          await ann.client.flushed();
        }
        expect(eve.list(list).log).toEqual(['snapshot 1', 'leave ann', 'join ann']);
        expect(eve.told(list)[1]).toMatchObject({ user: { id: 'ann', sessions: 0 }, total: 0, seq: 1 });
      });

      it('others once it is another itself: a fresh snapshot comes', async () => {
        const { person, clock } = servePeople({
          presence: { visible: ({ user }) => user?.info.role === 'admin' },
        });
        const [eve, ann] = [await person('eve', { role: 'guest' }), await person('ann')];
        await ann.subscribe(room);
        await eve.subscribe(list);
        await clock.tick(1000);
        eve.client.session.user = { id: 'eve', info: { role: 'admin' } };
        await eve.client.flushed();
        expect(eve.list(list).log).toEqual(['snapshot 0', 'snapshot 1']);
      });
    });

    describe('the function', () => {
      it('is told the session of the viewer, the user and the channel', async () => {
        const asked: unknown[] = [];
        const { person, clock } = servePeople({
          presence: {
            visible: (viewer, user, channel) => {
              asked.push([viewer.id, user, channel]);
              return true;
            },
          },
        });
        const [eve, ann] = [await person('eve'), await person('ann', { name: 'Ann' })];
        await ann.subscribe(room);
        await eve.subscribe(list);
        expect(asked).toEqual([
          [
            eve.client.session.id,
            { id: 'ann', info: { name: 'Ann' }, since: clock.now(), sessions: 1 },
            room,
          ],
        ]);
      });

      it.each<[string, Visible, RegExp]>([
        [
          'throws',
          () => {
            throw new Error('no database');
          },
          /no database/,
        ],
        [
          'answers with a promise',
          (() => Promise.resolve(true)) as unknown as Visible,
          /it must return true or false at once/,
        ],
        [
          'rejects',
          (() => Promise.reject(new Error('x'))) as unknown as Visible,
          /it must return true or false at once/,
        ],
        ['answers nothing', (() => undefined) as unknown as Visible, /returned undefined/],
      ])('that %s hides the user, and the log has it once', async (_name, failing, error) => {
        const lines: LogEvent[] = [];
        const { person, clock } = servePeople({
          log: (line) => void lines.push(line),
          presence: { visible: failing },
        });
        const eve = await person('eve');
        await eve.subscribe(list);
        for (const user of ['ann', 'bob']) await (await person(user)).subscribe(room);
        await clock.tick(0);
        expect(eve.list(list).log).toEqual(['snapshot 0']);
        const warnings = lines.filter(({ level }) => level === 'warn');
        expect(warnings).toMatchObject([{ event: 'presence.visible_failed', option: 'presence.visible' }]);
        expect(String(warnings[0]?.error)).toMatch(error);
      });

      it('keeps memory for each user it shows, within presence.maxBytes; with none left, a user is hidden', async () => {
        const lines: LogEvent[] = [];
        const { server, person } = servePeople({
          log: (line) => void lines.push(line),
          presence: { visible: () => true, maxBytes: 50_000 },
        });
        const eve = await person('eve');
        await eve.subscribe(list);
        const before = server.presenceBytes;
        const ids = Array.from({ length: 40 }, (_, at) => `u${at}`);
        for (const id of ids)
          await (await server.localSession({ user: id })).subscribe(room, () => {}).catch(() => {});
        await eve.client.flushed();
        expect(server.presenceBytes).toBeGreaterThan(before);
        expect(server.presenceBytes).toBeLessThanOrEqual(50_000);
        eve.list(list);
        await eve.unsubscribe(list);
        for (const session of server.sessions) if (session.user?.id.startsWith('u')) session.disconnect();
        expect(server.presenceBytes).toBeLessThan(50_000);
      });

      it('hides nobody from the application', async () => {
        const { server, person } = servePeople({ presence: { visible: () => false } });
        await (await person('ann')).subscribe(room);
        expect(await server.presence(room).total()).toBe(1);
      });
    });
  });
}
