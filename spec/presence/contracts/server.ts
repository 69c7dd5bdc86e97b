import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../../src/lib/log.ts';
import type { ServePeople } from '../people.ts';

const room = '/chat/room';

/** What the application is told, whatever the servers. */
export function serverSpecs(name: string, servePeople: ServePeople): void {
  describe(`server.presence of ${name}`, () => {
    it('gives the users in a channel, and their number', async () => {
      const { server, person, clock } = servePeople();
      const list = server.presence(room);
      expect([list.channel, await list.users(), await list.total()]).toEqual([room, [], 0]);
      await (await person('ann', { name: 'Ann' })).subscribe(room);
      await (await person('ann', { name: 'Ann' })).subscribe(room);
      await (await person('bob')).subscribe('/chat/other');
      const since = clock.now();
      expect(await list.users()).toEqual([{ id: 'ann', info: { name: 'Ann' }, since, sessions: 2 }]);
      expect(await list.total()).toBe(1);
    });

    it('tells who joins, leaves and is another, until told to stop', async () => {
      const { server, person, clock } = servePeople();
      const heard: string[] = [];
      const list = server.presence(room);
      const ends = (['join', 'leave', 'update'] as const).map((name) =>
        list.on(name, ({ user, total }) => heard.push(`${name} ${user.id} ${user.sessions} of ${total}`)),
      );
      const [tab, phone] = [await person('ann'), await person('ann')];
      await tab.subscribe(room);
      await phone.subscribe(room);
      await tab.leave();
      await phone.leave();
      await clock.tick(10_000);
      const all = ['join ann 1 of 1', 'update ann 2 of 1', 'update ann 1 of 1', 'leave ann 0 of 0'];
      expect(heard).toEqual(all);
      for (const end of ends) end();
      for (const end of ends) end();
      await (await person('bob')).subscribe(room);
      expect(heard).toEqual(all);
    });

    it('goes on when a listener fails, and logs that', async () => {
      const lines: LogEvent[] = [];
      const { server, person } = servePeople({ log: (line) => void lines.push(line) });
      const heard: string[] = [];
      server.presence(room).on('join', () => {
        throw new Error('no');
      });
      server.presence(room).on('join', async () => Promise.reject(new Error('later')));
      server.presence(room).on('join', ({ user }) => heard.push(user.id));
      await (await person('ann')).subscribe(room);
      expect(heard).toEqual(['ann']);
      expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
        { event: 'listener.failed', name: '/chat/room join' },
        { event: 'listener.failed', name: '/chat/room join' },
      ]);
    });

    it('keeps the order for viewers when a listener ends the session of who just came', async () => {
      const { server, person } = servePeople({ presence: { grace: 0 } });
      const viewer = await person('eve');
      await viewer.subscribe('/presence/chat/room');
      server.presence(room).on('join', ({ user }) => void server.user(user.id).disconnect());
      await (await person('ann')).subscribe(room);
      await viewer.client.flushed();
      expect(viewer.list('/presence/chat/room').log).toEqual(['snapshot 0', 'join ann', 'leave ann']);
    });

    it.each(['channel.subscribed', 'session.opened', 'join', 'everyone'])(
      'forgets a session that a listener ends at once: %s',
      async (when) => {
        const { server, person, clock } = servePeople({ presence: { grace: 0, everyone: 'full' } });
        const viewer = await person('eve');
        await viewer.subscribe('/presence/chat/room', '/presence/everyone');
        const end = (id: string | undefined) => id === 'ann' && void server.user(id).disconnect();
        if (when === 'channel.subscribed' || when === 'session.opened')
          server.on(when, ({ session }) => end(session.user?.id));
        else
          server
            .presence(when === 'join' ? room : '/presence/everyone')
            .on('join', ({ user }) => end(user.id));
        const ann = await person('ann').catch(() => undefined);
        await ann?.subscribe(room, '/chat/other');
        await clock.tick(0);
        expect((await server.presence('/presence/everyone').users()).map(({ id }) => id)).toEqual(['eve']);
        expect(await server.presence(room).total()).toBe(0);
        await viewer.leave();
        expect([server.presenceBytes, clock.pending, server.usage.channelNodes]).toEqual([0, 0, 0]);
      },
    );

    it('is the list of all sessions for /presence/everyone', async () => {
      const { server, person } = servePeople({ presence: { everyone: 'total' } });
      await person('ann');
      await person('bob');
      expect((await server.presence('/presence/everyone').users()).map(({ id }) => id)).toEqual([
        'ann',
        'bob',
      ]);
    });
  });
}
