import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { servePeople } from './people.ts';

const room = '/chat/room';

describe('server.presence', () => {
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
        server.presence(when === 'join' ? room : '/presence/everyone').on('join', ({ user }) => end(user.id));
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
    expect((await server.presence('/presence/everyone').users()).map(({ id }) => id)).toEqual(['ann', 'bob']);
  });
});

describe('a wrong call is refused with the one to write', () => {
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
  const untyped: any = servePeople().server;
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
  const off: any = servePeople({ channels: {} }).server;
  it.each<[() => unknown, string]>([
    [
      () => off.presence('/chat/room'),
      'presence is not kept for "/chat/room": write new Server({ channels: { \'/chat/room\': { presence: true } } })',
    ],
    [() => untyped.presence('/other'), 'presence is not kept for "/other": write new Server('],
    [() => untyped.presence('/chat/*'), 'presence is not kept for "/chat/*"'],
    [() => untyped.presence(), 'presence is not kept for undefined'],
    [
      () => untyped.presence('/presence/everyone'),
      "presence of all sessions is off: write new Server({ presence: { everyone: 'full' } })",
    ],
    [() => untyped.presence(room).on('joined', () => {}), 'there is no event "joined"; did you mean "join"?'],
    [
      () => untyped.presence(room).on('join'),
      "the listener of \"join\" must be a function, got undefined: write server.presence('/chat/room').on('join'",
    ],
    [
      () => servePeople({ channels: { '/presence/chat/room': { presence: true } } }),
      'channels["/presence/chat/room"].presence has no effect: the rule is that of the channel, without "/presence"',
    ],
    [
      () => servePeople({ channels: { '/service/x': { presence: true } } }),
      'channels["/service/x"].presence has no effect',
    ],
    [
      () => servePeople({ channels: { '/a': { presence: { mode: 'count' as 'total' } } } }),
      'channels["/a"].presence.mode must be "full" or "total", got "count"',
    ],
    [
      () => servePeople({ presence: { everyone: true as unknown as 'full' } }),
      'presence.everyone must be false, "full" or "total", got true',
    ],
  ])('%#', (call, sentence) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(sentence);
  });
});
