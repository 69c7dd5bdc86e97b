import { beforeEach, describe, expect, it } from 'vitest';
import type { People, ServePeople } from '../people.ts';

/** What viewers are told, whatever the servers. */
export function listSpecs(name: string, servePeople: ServePeople): void {
  describe(name, () => {
    const room = '/chat/room';
    const list = '/presence/chat/room';

    let here: People;
    beforeEach(() => {
      here = servePeople();
    });

    describe('a viewer', () => {
      it('gets a snapshot after the reply, then each change (PS-5, PS-6)', async () => {
        const ann = await here.person('ann', { name: 'Ann' });
        await ann.subscribe(room);
        const viewer = await here.person('eve');
        const since = here.clock.now();
        await here.clock.tick(5);
        expect(await viewer.subscribe(list)).toEqual({
          id: expect.any(String),
          clientId: viewer.client.clientId,
          channel: '/meta/subscribe',
          successful: true,
          subscription: list,
        });
        const replyAt = viewer.conduit.messages.findIndex(({ channel }) => channel === '/meta/subscribe');
        expect(viewer.conduit.messages.findIndex(({ channel }) => channel === list)).toBeGreaterThan(replyAt);
        const bob = await here.person('bob');
        await bob.subscribe(room);
        await bob.unsubscribe(room);
        await here.clock.tick(10_000);
        expect(viewer.told(list)).toEqual([
          {
            type: 'snapshot',
            users: [{ id: 'ann', info: { name: 'Ann' }, since, sessions: 1 }],
            total: 1,
            seq: 1,
          },
          { type: 'join', user: { id: 'bob', info: {}, since: since + 5, sessions: 1 }, total: 2, seq: 2 },
          { type: 'leave', user: { id: 'bob', info: {}, since: since + 5, sessions: 0 }, total: 1, seq: 3 },
        ]);
      });

      it('is on the list only if it subscribes to the channel itself', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        expect(viewer.list(list).log).toEqual(['snapshot 0']);
        await viewer.subscribe(room);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join eve']);
      });

      it('gets nothing more once it has unsubscribed, and a snapshot again when it subscribes again', async () => {
        const [viewer, bob] = [await here.person('eve'), await here.person('bob')];
        await viewer.subscribe(list);
        await viewer.unsubscribe(list);
        await bob.subscribe(room);
        expect(viewer.list(list).log).toEqual(['snapshot 0']);
        await viewer.subscribe(list);
        expect(viewer.told(list).map(({ type, total }) => [type, total])).toEqual([
          ['snapshot', 0],
          ['snapshot', 1],
        ]);
      });

      it('that asks gets a fresh snapshot, at most one a second (PS-9)', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list, room);
        await here.clock.tick(1000);
        for (let asked = 0; asked < 5; asked += 1)
          expect(await viewer.publish('/service/presence', { channel: room })).toMatchObject({
            successful: true,
          });
        expect(viewer.list(list).log).toEqual(['snapshot 1', 'snapshot 1']);
        await here.clock.tick(1000);
        expect(viewer.list(list).log).toEqual(['snapshot 1', 'snapshot 1', 'snapshot 1']);
        await here.clock.tick(5000);
        expect(viewer.list(list).log).toHaveLength(3);
      });

      it.each([
        [{ channel: '/chat/other' }, '403:/service/presence:publish_denied'],
        [{ channel: 7 }, '400:/service/presence:data_invalid'],
        [null, '400:/service/presence:data_invalid'],
      ])('that asks with %j is refused', async (data, error) => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        expect(await viewer.publish('/service/presence', data)).toMatchObject({ successful: false, error });
        expect(viewer.list(list).log).toHaveLength(1);
      });
    });

    describe('present', () => {
      it('is who subscribes to the exact name, not to a pattern (PS-3)', async () => {
        const [viewer, ann, bob] = [
          await here.person('eve'),
          await here.person('ann'),
          await here.person('bob'),
        ];
        await viewer.subscribe(list);
        await ann.subscribe('/chat/*');
        await ann.subscribe('/**');
        await bob.subscribe('/chat/other');
        expect(viewer.list(list).log).toEqual(['snapshot 0']);
        await ann.subscribe(room);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join ann']);
      });

      it('is one entry a user, however many sessions (PS-4)', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const tabs = [await here.person('ann'), await here.person('ann'), await here.person('ann')];
        for (const tab of tabs) await tab.subscribe(room);
        const sessions = () => viewer.list(list).users.get('ann')?.sessions;
        expect([viewer.list(list).log, sessions()]).toEqual([
          ['snapshot 0', 'join ann', 'update ann', 'update ann'],
          3,
        ]);
        await tabs[0]?.leave();
        await here.clock.tick(10_000);
        expect([viewer.list(list).log.length, sessions()]).toEqual([5, 2]);
        await tabs[1]?.unsubscribe(room);
        await tabs[2]?.leave();
        await here.clock.tick(9_999);
        expect(viewer.list(list).users.size).toBe(1);
        await here.clock.tick(1);
        expect(viewer.list(list).log.slice(5)).toEqual(['update ann', 'leave ann']);
      });

      it('stays who loads the page again within the grace: nothing is told (PS-7)', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        let tab = await here.person('ann');
        await tab.subscribe(room);
        for (let loads = 0; loads < 10; loads += 1) {
          await tab.leave();
          await here.clock.tick(9_000);
          tab = await here.person('ann');
          await tab.subscribe(room);
        }
        await here.clock.tick(60_000);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join ann']);
        expect(viewer.list(list).users.get('ann')?.sessions).toBe(1);
      });

      it('is who opens the new page before the old one is gone', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const old = await here.person('ann');
        await old.subscribe(room);
        const next = await here.person('ann');
        await next.subscribe(room);
        await old.leave();
        await here.clock.tick(10_000);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join ann', 'update ann', 'update ann']);
        expect(viewer.list(list).users.get('ann')?.sessions).toBe(1);
      });

      it('is who leaves and comes back, while another tab of the same user has just gone', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const [closed, tab] = [await here.person('ann'), await here.person('ann')];
        await closed.subscribe(room);
        await tab.subscribe(room);
        await closed.leave();
        await here.clock.tick(1000);
        await tab.unsubscribe(room);
        await tab.subscribe(room);
        await here.clock.tick(60_000);
        expect(viewer.list(list).users.get('ann')?.sessions).toBe(1);
      });

      it('is a silent client until it expires and the grace has passed', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const ann = await here.person('ann');
        await ann.subscribe(room);
        ann.client.lose(ann.conduit);
        await here.clock.tick(14_999);
        expect([[...here.server.sessions].length, viewer.list(list).users.size]).toEqual([2, 1]);
        await here.clock.tick(1);
        expect([...here.server.sessions].length).toBe(1);
        await here.clock.tick(9_999);
        expect(viewer.list(list).users.size).toBe(1);
        await here.clock.tick(1);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join ann', 'leave ann']);
      });

      it('is a session without a user by its public id, and gone with its end (PS-8)', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const guest = await here.person();
        await guest.subscribe(room);
        const { id } = guest.client.session;
        const since = here.clock.now();
        expect(viewer.told(list)[1]).toEqual({
          type: 'join',
          user: { id, since, sessions: 1 },
          total: 1,
          seq: 1,
        });
        await guest.unsubscribe(room);
        await guest.subscribe(room);
        expect(viewer.list(list).log).toEqual(['snapshot 0', `join ${id}`]);
        await guest.leave();
        expect(viewer.list(list).log).toEqual(['snapshot 0', `join ${id}`, `leave ${id}`]);
        expect(JSON.stringify(viewer.conduit.messages)).not.toContain(guest.client.clientId);
      });

      it('is no session of the application itself, unless it acts for a user', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const own = await here.server.localSession();
        await own.subscribe(room, () => {});
        const user = await here.server.localSession({ user: { id: 'bot', info: { name: 'Bot' } } });
        await user.subscribe(room, () => {});
        await here.clock.tick(0);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join bot']);
      });
    });

    describe('info', () => {
      it('of a new session replaces what was shown, and is told', async () => {
        const viewer = await here.person('eve');
        await viewer.subscribe(list);
        const [old, next] = [
          await here.person('ann', { name: 'Ann' }),
          await here.person('ann', { name: 'Anna' }),
        ];
        await old.subscribe(room);
        await old.leave();
        await next.subscribe(room);
        expect(viewer.list(list).log).toEqual(['snapshot 0', 'join ann', 'update ann']);
        expect(viewer.list(list).users.get('ann')).toMatchObject({ info: { name: 'Anna' }, sessions: 1 });
      });

      it.each<[boolean | string[], object | undefined]>([
        [true, { name: 'Ann', mail: 'a@b' }],
        [['name', 'none'], { name: 'Ann' }],
        [false, undefined],
      ])('is shown as the rule says: %j', async (info, expected) => {
        const { person } = servePeople({ channels: { [room]: { presence: { info } } } });
        const [ann, viewer] = [await person('ann', { name: 'Ann', mail: 'a@b' }), await person('eve')];
        await ann.subscribe(room);
        await viewer.subscribe(list);
        const user = viewer.list(list).users.get('ann');
        expect([user?.info, JSON.stringify(user).includes('a@b')]).toEqual([expected, info === true]);
      });
    });

    describe('rules', () => {
      it('may set another grace, and none', async () => {
        const { person, clock } = servePeople({
          presence: { grace: 500 },
          channels: { '/chat/*': { presence: true }, '/now': { presence: { grace: 0 } } },
        });
        const [viewer, ann] = [await person('eve'), await person('ann')];
        await viewer.subscribe(list, '/presence/now');
        await ann.subscribe(room, '/now');
        await ann.unsubscribe(room, '/now');
        expect([viewer.list(list).users.size, viewer.list('/presence/now').users.size]).toEqual([1, 0]);
        await clock.tick(500);
        expect(viewer.list(list).users.size).toBe(0);
      });

      it('may switch presence off below a pattern, and then nobody may ask (PS-1)', async () => {
        const { person } = servePeople({
          channels: { '/chat/*': { presence: true }, '/chat/secret': { presence: false } },
        });
        const viewer = await person('eve');
        expect(await viewer.subscribe('/presence/chat/secret')).toMatchObject({
          successful: false,
          error: '403:/presence/chat/secret:subscribe_denied',
        });
      });
    });

    describe('mode total', () => {
      const total = { '/chat/*': { presence: { mode: 'total' as const } } };

      it('tells the number alone: at once, then at most once a second (PS-10)', async () => {
        const { person, clock } = servePeople({ channels: total });
        const viewer = await person('eve');
        await viewer.subscribe(list);
        expect(viewer.told(list)).toEqual([{ type: 'total', total: 0, seq: 0 }]);
        const people = [await person('a'), await person('b'), await person('c')];
        await people[0]?.subscribe(room);
        await clock.tick(0);
        expect(viewer.told(list).slice(1)).toEqual([{ type: 'total', total: 1, seq: 1 }]);
        await people[1]?.subscribe(room);
        await people[2]?.subscribe(room);
        await clock.tick(999);
        expect(viewer.told(list)).toHaveLength(2);
        await clock.tick(1);
        expect(viewer.told(list).slice(2)).toEqual([{ type: 'total', total: 3, seq: 3 }]);
        await clock.tick(60_000);
        expect(viewer.told(list)).toHaveLength(3);
        expect(JSON.stringify(viewer.conduit.messages)).not.toContain('users');
      });

      it('tells a crowd in parts, 1,000 viewers a second', async () => {
        const { server, clock } = servePeople({ channels: total });
        const told: number[] = [];
        for (let at = 0; at < 600; at += 1) {
          const session = await server.localSession();
          await session.subscribe(list, ({ data }) => void told.push((data as { total: number }).total));
        }
        await clock.tick(0);
        expect(told).toEqual(Array(600).fill(0));
        await (await server.localSession({ user: 'ann' })).subscribe(room, () => {});
        const counts = async (ms: number) => {
          await clock.tick(ms);
          return told.filter((number) => number === 1).length;
        };
        expect([await counts(0), await counts(99), await counts(1), await counts(100)]).toEqual([
          100, 100, 200, 300,
        ]);
        await clock.tick(10_000);
        expect([told.length, clock.pending]).toEqual([1200, 0]);
      });

      it('tells nothing while the number is the same', async () => {
        const { person, clock } = servePeople({ channels: total });
        const [viewer, tab, other] = [await person('eve'), await person('a'), await person('a')];
        await tab.subscribe(room);
        await viewer.subscribe(list);
        await other.subscribe(room);
        await clock.tick(2000);
        expect(viewer.told(list)).toEqual([{ type: 'total', total: 1, seq: 1 }]);
      });
    });

    describe('/presence/everyone', () => {
      it('lists the users of all sessions, if it is switched on (PS-3)', async () => {
        const { person, server, clock } = servePeople({ presence: { everyone: 'full' }, channels: {} });
        const viewer = await person('eve');
        await viewer.subscribe('/presence/everyone');
        const [ann, tab, guest] = [await person('ann'), await person('ann'), await person()];
        await server.localSession();
        await clock.tick(0);
        const { id } = guest.client.session;
        expect(viewer.list('/presence/everyone').log).toEqual([
          'snapshot 1',
          'join ann',
          'update ann',
          `join ${id}`,
        ]);
        await ann.leave();
        await tab.leave();
        await clock.tick(10_000);
        expect(viewer.list('/presence/everyone').log.slice(4)).toEqual(['update ann', 'leave ann']);
      });

      it('is no list otherwise, also where a rule has every channel', async () => {
        const { person } = servePeople({ channels: { '/**': { presence: true } } });
        const viewer = await person('eve');
        expect(await viewer.subscribe('/presence/everyone')).toMatchObject({
          error: '403:/presence/everyone:subscribe_denied',
        });
      });

      it('may be a number only', async () => {
        const { person, clock } = servePeople({ presence: { everyone: 'total' }, channels: {} });
        const viewer = await person('eve');
        await viewer.subscribe('/presence/everyone');
        await person('ann');
        await clock.tick(1000);
        expect(viewer.list('/presence/everyone').log).toEqual(['total 1', 'total 2']);
      });
    });

    describe('a large list', () => {
      it('comes in pages of 1,000, and changes after the last page (PS-12)', async () => {
        const { server, person, clock } = servePeople();
        const users = Array.from({ length: 2500 }, (_, at) => `u${at}`);
        for (const id of users) await (await server.localSession({ user: id })).subscribe(room, () => {});
        const viewer = await person('eve');
        viewer.conduit.full = true;
        await viewer.client.subscribe(list, viewer.conduit);
        await viewer.client.flushed();
        await (await server.localSession({ user: 'late' })).subscribe(room, () => {});
        expect(viewer.client.session.outbox.size).toBe(1);
        viewer.conduit.full = false;
        viewer.client.session.flush();
        await clock.tick(0);
        expect(viewer.list(list).log).toEqual(['page 1', 'page 2', 'page 3', 'join late']);
        expect(
          viewer.told(list).map((one) => ('page' in one ? [one.page, one.pages, one.users.length] : [])),
        ).toEqual([[1, 3, 1000], [2, 3, 1000], [3, 3, 500], []]);
        expect(viewer.list(list).users.size).toBe(2501);
      });
    });

    describe('nothing is left', () => {
      it('of timers and memory when all have gone', async () => {
        const { server, clock, person } = servePeople({ presence: { everyone: 'full', grace: 50 } });
        const people = [await person('ann'), await person('bob'), await person()];
        for (const one of people) await one.subscribe(room, list, '/presence/everyone');
        await people[0]?.unsubscribe(room);
        for (const one of people) await one.leave();
        await clock.tick(50);
        expect([clock.pending, server.presenceBytes, server.usage.sessions]).toEqual([0, 0, 0]);
        expect(await server.presence(room).total()).toBe(0);
      });

      it('when the server closes, and nobody is told that all have gone', async () => {
        const { server, clock, person } = servePeople({ presence: { everyone: 'full' } });
        const people = [await person('ann'), await person('bob'), await person()];
        for (const one of people) await one.subscribe(room, list);
        const before = people.map((one) => one.told(list).length);
        await server.close();
        expect(people.map((one) => one.told(list).length)).toEqual(before);
        expect([clock.pending, server.presenceBytes]).toEqual([0, 0]);
      });
    });
  });
}
