import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/index.ts';
import { exchange } from '../support/fake-conduit.ts';
import { FakeClient, serve } from '../support/fake-client.ts';

describe('a listener of the server', () => {
  it('that `once` added hears the next event only', async () => {
    const { server } = serve();
    const heard: string[] = [];
    server.once('session.opened', ({ session }) => heard.push(session.id));
    const first = await FakeClient.open(server, exchange());
    await FakeClient.open(server, exchange());
    expect(heard).toEqual([first.session.id]);
  });

  it('hears nothing any more once `off` removed it, however it was added', async () => {
    const { server } = serve();
    const heard: unknown[] = [];
    const listener = (event: unknown): number => heard.push(event);
    server.on('session.opened', listener);
    server.off('session.opened', listener);
    server.once('session.opened', listener);
    server.off('session.opened', listener);
    server.once('session.opened', listener)();
    await FakeClient.open(server, exchange());
    expect(heard).toEqual([]);
  });

  it('that removes itself, or adds others, harms nobody', async () => {
    const { server } = serve();
    const heard: string[] = [];
    const stop = server.on('session.opened', () => {
      stop();
      heard.push('one');
      server.on('session.opened', () => heard.push('added'));
    });
    server.on('session.opened', () => heard.push('two'));
    await FakeClient.open(server, exchange());
    heard.length = 0;
    await FakeClient.open(server, exchange());
    expect(heard).toEqual(['two', 'added']);
  });
});

describe('a listener of one session', () => {
  it('hears what that session subscribes to, and its end', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server, exchange());
    const other = await FakeClient.open(server, exchange());
    const session = server.session(client.session.id);
    const heard: unknown[] = [];
    for (const name of ['subscribed', 'unsubscribed', 'closed'] as const) {
      session?.on(name, (event) => heard.push([name, event]));
    }
    await client.subscribe('/a');
    await other.subscribe('/b');
    await other.disconnect();
    await client.disconnect();
    expect(heard).toEqual([
      ['subscribed', { pattern: '/a' }],
      ['unsubscribed', { pattern: '/a' }],
      ['closed', { reason: 'disconnect' }],
    ]);
  });

  it('hears nothing any more once it is removed', async () => {
    const { server } = serve();
    const { session } = await server.localSession();
    const heard: unknown[] = [];
    session.on('closed', (event) => heard.push(event))();
    session.disconnect();
    expect(heard).toEqual([]);
  });

  it('of an unknown name is refused with the nearest right one', async () => {
    const { session } = await serve().server.localSession();
    const on = session.on.bind(session) as (name: string, listener: () => void) => void;
    expect(() => on('close', () => {})).toThrow(UsageError);
    expect(() => on('close', () => {})).toThrow('there is no event "close"; did you mean "closed"?');
    expect(() => on('disconnect', () => {})).toThrow('there are closed, subscribed, unsubscribed');
  });
});
