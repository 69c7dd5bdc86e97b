import { expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import type { Event } from '../../src/protocol/message.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { turn } from '../support/until.ts';

/** A listener that is done with an event when it is told so. */
function slowListener() {
  const heard: unknown[] = [];
  const done: (() => void)[] = [];
  const listener = ({ data }: Event) => {
    heard.push(data);
    return new Promise<void>((resolve) => done.push(resolve));
  };
  return { heard, listener, next: () => done.shift()?.() };
}

it('the next event waits until the promise of a listener settles', async () => {
  const { server, clock } = serve();
  const local = await server.localSession();
  const { heard, listener, next } = slowListener();
  await local.subscribe('/a', listener);
  for (let at = 0; at < 5; at += 1) await server.publish('/a', at);
  await clock.tick(0);
  expect(heard).toEqual([0]);
  for (let at = 1; at < 5; at += 1) {
    next();
    await turn();
    await clock.tick(0);
    expect(heard).toEqual(Array.from({ length: at + 1 }, (_, of) => of));
  }
  next();
  await turn();
  await server.publish('/a', 5);
  await clock.tick(0);
  expect(heard).toEqual([0, 1, 2, 3, 4, 5]);
});

it('a listener that is away holds no more events than maxQueue', async () => {
  const { server, clock } = serve({ maxQueue: 10 });
  const local = await server.localSession();
  const closed: string[] = [];
  server.on('session.closed', ({ reason }) => closed.push(reason));
  const { heard, listener } = slowListener();
  await local.subscribe('/a', listener);
  await server.publish('/a', 'first');
  await clock.tick(0);
  for (let at = 0; at < 10; at += 1) await server.publish('/a', at);
  expect(server.session(local.id)?.outbox.size).toBe(10);
  expect(closed).toEqual([]);
  await server.publish('/a', 'too many');
  expect(closed).toEqual(['overflow']);
  expect(heard).toEqual(['first']);
  await expect(local.publish('/a', 1)).rejects.toThrow('402::session_unknown');
});

it('the overflow rule of a channel says what a slow listener loses', async () => {
  const overflow = { action: 'dropOldest', maxEvents: 2 } as const;
  const { server, clock } = serve({ channels: { '/a': { overflow } } });
  const local = await server.localSession();
  const { heard, listener, next } = slowListener();
  await local.subscribe('/a', listener);
  await server.publish('/a', 0);
  await clock.tick(0);
  for (let at = 1; at <= 6; at += 1) await server.publish('/a', at);
  for (let at = 0; at < 3; at += 1) {
    next();
    await turn();
    await clock.tick(0);
  }
  expect(heard).toEqual([0, 5, 6]);
});

it('a listener whose promise rejects is logged, and gets the next event', async () => {
  const logged: LogEvent[] = [];
  const { server, clock } = serve({ log: (event) => logged.push(event) });
  const local = await server.localSession();
  const heard: unknown[] = [];
  await local.subscribe('/a', async ({ data }) => {
    heard.push(data);
    if (data === 0) throw new Error('away');
  });
  await server.publish('/a', 0);
  await server.publish('/a', 1);
  await clock.tick(0);
  await turn();
  await clock.tick(0);
  expect(heard).toEqual([0, 1]);
  expect(logged).toContainEqual(expect.objectContaining({ event: 'listener.failed', name: '/a' }));
});

it('replies come while a listener is at work, and other sessions get their events', async () => {
  const { server, clock } = serve();
  const local = await server.localSession();
  const { listener } = slowListener();
  await local.subscribe('/a', listener);
  const remote = await FakeClient.connected(server);
  await remote.subscribe('/a');
  await server.publish('/a', 1);
  await clock.tick(0);
  await local.publish('/b', 2);
  expect((await remote.connect()).data).toEqual([1]);
});
