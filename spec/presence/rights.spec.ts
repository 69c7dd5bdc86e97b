import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { granting, guarded } from '../auth/tokens.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { socket } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';
import { servePeople } from './people.ts';
import { toldOn } from './viewer.ts';

const room = '/chat/room';
const list = '/presence/chat/room';
const presence = { channels: { '/chat/*': { presence: true } } };

describe('a presence channel', () => {
  it.each(['/presence', list, '/presence/x/y', '/presence/everyone'])(
    'takes no publish of a client: %s (PS-1)',
    async (channel) => {
      const lines: LogEvent[] = [];
      const { server, person } = servePeople({
        log: (line) => void lines.push(line),
        unconnectedPublish: 'allow',
      });
      const [viewer, forger] = [await person('eve'), await person('mallory')];
      await viewer.subscribe(list, '/**', '/*');
      const snapshot = { type: 'snapshot', users: [], total: 0, seq: 0 };
      const before = viewer.conduit.messages.length;
      expect(await forger.publish(channel, snapshot)).toMatchObject({
        successful: false,
        error: `403:${channel}:publish_denied`,
      });
      const local = await server.localSession();
      await expect(local.publish(channel, snapshot)).rejects.toMatchObject({
        text: `403:${channel}:publish_denied`,
      });
      await settle();
      expect(viewer.conduit.messages.length).toBe(before);
      expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
        { event: 'message.refused', why: 'only the server sends events on this channel', count: 1 },
      ]);
    },
  );

  it('takes no publish without a session', async () => {
    const { server } = servePeople({ unconnectedPublish: 'allow' });
    const conduit = socket();
    await server.receive(server.decode(JSON.stringify({ channel: list, data: 1 })), conduit);
    expect(conduit.messages).toMatchObject([{ error: `403:${list}:publish_denied` }]);
  });

  it.each(['/presence/*', '/presence/**', '/presence/chat/*', '/presence/chat/**'])(
    'is in no pattern that can be subscribed to: %s (PS-1)',
    async (pattern) => {
      const { person, server } = servePeople();
      const [eve, ann] = [await person('eve'), await person('ann')];
      for (const asked of [[pattern], [pattern, '/ok'], ['/ok', pattern]])
        expect(await eve.subscribe(...asked)).toMatchObject({
          successful: false,
          error: `403:${pattern}:subscribe_denied`,
        });
      const local = await server.localSession();
      await expect(local.subscribe(pattern, () => {})).rejects.toMatchObject({ status: 403 });
      await ann.subscribe(room);
      expect([[...eve.client.session.subscriptions], eve.told(list)]).toEqual([[], []]);
    },
  );

  it('sends no byte to who subscribes to everything and guesses', async () => {
    const { person } = servePeople({ presence: { everyone: 'full' } });
    const [spy, viewer] = [await person('spy'), await person('eve')];
    await viewer.subscribe(list, '/presence/everyone');
    await spy.subscribe('/**', '/*', '/chat/**', '/service/**', '/service/presence');
    for (const guess of [
      '/presence/**',
      '/presence',
      '/presence/**/room',
      '/presence/service/presence',
      '/presence/presence/chat/room',
    ])
      await spy.subscribe(guess);
    await spy.publish('/service/presence', { channel: room });
    const before = spy.conduit.batches.length;
    const ann = await person('ann', { name: 'Ann' });
    await ann.subscribe(room);
    await viewer.publish('/service/presence', { channel: room });
    await ann.leave();
    await settle();
    expect(spy.conduit.batches.length).toBe(before);
    expect(JSON.stringify(spy.conduit.messages)).not.toContain('Ann');
    expect(viewer.list(list).log).toContain('join ann');
  });

  it('is an ordinary channel where presence is off', async () => {
    const { person } = servePeople({ channels: {} });
    const [ann, bob] = [await person('ann'), await person('bob')];
    await ann.subscribe('/presence/**');
    await bob.publish(list, 'hello');
    expect(toldOn(list, ann.conduit.messages)).toEqual(['hello']);
  });

  it('is no channel of the application', async () => {
    const { server, person } = servePeople();
    const ann = await person('ann');
    const refusal = /"\/presence\/chat\/room" is reserved: only the server itself sends events there/;
    await expect(server.publish(list, 1)).rejects.toThrow(refusal);
    await expect(server.publishAll([{ channel: list, data: 1 }])).rejects.toThrow(UsageError);
    await expect(server.user('ann').deliver(list, 1)).rejects.toThrow(refusal);
    expect(() => ann.client.session.deliver(list, 1)).toThrow(refusal);
    expect(() => server.subscribe(list, () => {})).toThrow(refusal);
    expect(ann.told(list)).toEqual([]);
  });

  it('is not recorded, nor replayed, where a rule has every channel (PS-5)', async () => {
    const { person } = servePeople({ channels: { '/**': { presence: true, history: true } } });
    const [ann, eve] = [await person('ann'), await person('eve')];
    await eve.subscribe(list);
    await ann.subscribe(room);
    const conduit = socket();
    const late = await FakeClient.connected(eve.client.server, conduit);
    await late.send(
      late.message('/meta/subscribe', { subscription: '/**', ext: { replay: { '/**': -2 } } }),
      conduit,
    );
    await settle();
    expect(toldOn(list, conduit.messages)).toEqual([]);
  });
});

describe('the right to see who is in a channel', () => {
  it('is the right to subscribe to the channel, by the policy (PS-2)', async () => {
    const asked: string[] = [];
    const { person } = servePeople({
      presence: { everyone: 'full' },
      policy: {
        canSubscribe: ({ channel, session }) => {
          asked.push(channel);
          return session?.user?.id === 'ann';
        },
      },
    });
    const [ann, bob] = [await person('ann'), await person('bob')];
    expect(await ann.subscribe(list)).toMatchObject({ successful: true });
    expect(await bob.subscribe(list)).toMatchObject({ error: `403:${list}:subscribe_denied` });
    expect(await bob.subscribe('/presence/everyone')).toMatchObject({ successful: false });
    expect(asked).toEqual([room, room, '/presence/everyone']);
    expect(bob.told(list)).toEqual([]);
  });

  it('is that of a token, and goes with it (AU-7)', async () => {
    const { server, open, token } = guarded(presence);
    const conduit = socket();
    const client = await open(granting({ subscribe: [room] }), conduit);
    await client.subscribe(list, conduit);
    expect(conduit.messages.at(-1)).toMatchObject({ successful: true });
    expect(conduit.messages.some(({ channel }) => channel === list)).toBe(false);
    await settle();
    expect(toldOn(list, conduit.messages)).toHaveLength(1);
    for (const named of [list, '/presence/**']) {
      const other = await open({ sub: 'bob', ...granting({ subscribe: [named] }) }, socket());
      expect((await other.subscribe(list)).reply).toMatchObject({ error: `403:${list}:subscribe_denied` });
    }
    // A fresh token without the right.
    const fresh = await token(granting({ subscribe: ['/chat/other'], publish: ['/x'] }));
    await client.send(client.message('/x', { data: 1, ext: { auth: { token: fresh } } }), conduit);
    expect([...client.session.subscriptions]).toEqual([]);
    expect(conduit.messages.at(-1)).toMatchObject({ ext: { auth: { unsubscribed: [list] } } });
    const ann = await server.localSession({ user: 'ann' });
    await ann.subscribe(room, () => {});
    await settle();
    expect(toldOn(list, conduit.messages)).toHaveLength(1);
  });

  it('keeps the presence channel with a fresh token that grants the channel, and shows the new info', async () => {
    const { open, token } = guarded({ ...presence, auth: { info: ['name'] } });
    const conduit = socket();
    const client = await open({ name: 'Ann', ...granting({ subscribe: [room] }) }, conduit);
    await client.subscribe([list, room], conduit);
    await settle();
    const fresh = await token({ name: 'Anna', ...granting({ subscribe: ['/chat/*'], publish: ['/x'] }) });
    await client.send(client.message('/x', { data: 1, ext: { auth: { token: fresh } } }), conduit);
    await settle();
    expect(toldOn(list, conduit.messages)).toMatchObject([
      { type: 'snapshot', users: [{ info: { name: 'Ann' } }], seq: 1 },
      { type: 'update', user: { id: 'ann', info: { name: 'Anna' }, sessions: 1 }, seq: 2 },
    ]);
  });

  it('is asked again, and goes when it is lost (SEC-6)', async () => {
    let mayRead = true;
    const { server, clock } = serve({
      ...presence,
      log: () => {},
      revalidateEvery: 1000,
      policy: { canSubscribe: ({ channel }) => channel === room && mayRead },
    });
    const conduit = socket();
    const client = await FakeClient.connected(server, conduit);
    await client.connect({}, conduit);
    await client.subscribe(list, conduit);
    await clock.tick(3000);
    expect([...client.session.subscriptions]).toEqual([list]);
    mayRead = false;
    await clock.tick(3000);
    expect([...client.session.subscriptions]).toEqual([]);
    await (await server.localSession({ user: 'ann' })).subscribe(room, () => {});
    await settle();
    expect(toldOn(list, conduit.messages)).toHaveLength(1);
  });

  it('to ask for a snapshot needs the right to call /service/presence', async () => {
    const { open } = guarded(presence);
    const conduit = socket();
    const client = await open(granting({ subscribe: [room] }), conduit);
    await client.subscribe(list, conduit);
    await client.publish('/service/presence', { channel: room }, conduit);
    expect(conduit.messages.findLast(({ successful }) => successful !== undefined)).toMatchObject({
      error: '403:/service/presence:publish_denied',
    });
  });
});

describe('memory', () => {
  it('for who is present is bounded: a subscribe above it is refused', async () => {
    const lines: LogEvent[] = [];
    const { person, server } = servePeople({
      log: (line) => void lines.push(line),
      presence: { maxBytes: 100_000 },
    });
    const ann = await person('ann');
    const rooms = Array.from({ length: 10 }, (_, at) => `/chat/${at}`);
    expect(await ann.subscribe(...rooms)).toMatchObject({
      successful: false,
      error: '413:server:too_many_subscriptions',
    });
    expect([[...ann.client.session.subscriptions], server.presenceBytes]).toEqual([[], 0]);
    expect(await ann.subscribe(...rooms.slice(0, 2))).toMatchObject({ successful: true });
    expect(server.presenceBytes).toBeGreaterThan(3000);
    expect(server.presenceBytes).toBeLessThan(6250);
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ event: 'presence.no_room', option: 'presence.maxBytes', count: 1 }]);
  });

  it('of users who have left is given to others that need it', async () => {
    const { person, server } = servePeople({ presence: { maxBytes: 30_000 } });
    const ann = await person('ann');
    for (let n = 0; n < 8; n += 1) {
      await ann.subscribe(`/chat/${n}`);
      await ann.unsubscribe(`/chat/${n}`);
    }
    expect(await ann.subscribe('/chat/last')).toMatchObject({ successful: true });
    expect(await server.presence('/chat/0').users()).toEqual([]);
  });
});
