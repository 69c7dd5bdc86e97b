import { describe, expect, it, onTestFinished } from 'vitest';
import { close, hears, patience } from './interop/columns.ts';
import { run } from './interop/child.ts';
import { cometdDriver } from './interop/cometd-driver.ts';
import type { Driver } from './interop/driver.ts';
import { fayeDriver } from './interop/faye-driver.ts';
import { cometd, fayeClient } from './interop/node-clients.ts';

const anyPort = { PORT: '0' };

async function connected(client: Driver): Promise<Driver> {
  onTestFinished(() => close(client));
  await client.open();
  return client;
}

async function post(url: string, data: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(data) });
  return response.json();
}

/** Waits until the application has printed exactly this, after the line that says where it listens. Warnings go elsewhere. */
async function prints(stdout: () => string, lines: readonly string[]): Promise<void> {
  const printed = () =>
    stdout()
      .replace(/^Bayeux on .*\n/m, '')
      .trim()
      .split('\n');
  await expect.poll(printed, patience).toEqual(lines);
}

describe.each(['before', 'after'])('examples/migrate-faye/%s.js', (name) => {
  async function client(origin: string, ext: Record<string, unknown>): Promise<Driver> {
    const bare = fayeClient(`${origin}/bayeux`);
    bare.addExtension({
      outgoing(message, callback) {
        message.ext = { ...message.ext, ...ext };
        callback(message);
      },
    });
    return connected(fayeDriver(bare));
  }

  it('does for its clients what the other does', async () => {
    const { origin, stdout } = await run(`examples/migrate-faye/${name}.js`, anyPort);
    const started = ['came, 1 now', 'subscribed to /questions'];
    await prints(stdout, started);

    const ann = await client(origin, { token: 'token-of-ann', password: 'wrong' });
    await ann.subscribe('/alerts/north');
    await ann.subscribe('/answers');
    const stranger = await client(origin, {});
    for (const pattern of ['/alerts/north', '/alerts/*', '/**'])
      await expect(stranger.subscribe(pattern)).rejects.toMatchObject({ code: 403, message: 'Wrong token' });
    await expect(ann.publish('/alerts/north', { text: 'false' })).rejects.toMatchObject({
      code: 403,
      message: 'Wrong password',
    });

    expect(await post(`${origin}/alerts/north`, { text: 'storm' })).toEqual({ published: true });
    expect(await post(`${origin}/alerts/south`, { text: 'sun' })).toEqual({ published: true });
    await hears(ann, [['/alerts/north', '/alerts/north', { text: 'storm' }]]);
    await stranger.publish('/questions', { text: 'Why?' });
    await hears(ann, [
      ['/alerts/north', '/alerts/north', { text: 'storm' }],
      ['/answers', '/answers', { text: 'Why? Ask a neighbour.' }],
    ]);
    await ann.unsubscribe('/answers');
    await ann.close();
    await prints(stdout, [
      ...started,
      'came, 2 now',
      'subscribed to /alerts/north',
      'subscribed to /answers',
      'came, 3 now',
      'published on /alerts/north: storm',
      'published on /alerts/south: sun',
      'published on /questions: Why?',
      'published on /answers: Why? Ask a neighbour.',
      'unsubscribed from /answers',
      'unsubscribed from /alerts/north',
      'went, 2 now',
    ]);
  });
});

describe.each(['before', 'after'])('examples/migrate-cometd/%s.js', (name) => {
  // docs/migrating.md tells of it: cometd-nodejs-server says «successful» of a message that a listener dropped.
  const dropped = name === 'before' ? 'successful' : '404::message_deleted';

  function client(origin: string, token: string): Driver {
    const bare = new cometd['9.0.0'].CometD();
    bare.registerExtension('token', {
      outgoing(message) {
        if (message.channel === '/meta/handshake') message.ext = { token };
        return message;
      },
    });
    return cometdDriver(bare, `${origin}/bayeux`);
  }

  it('does for its clients what the other does', async () => {
    const { origin, stdout } = await run(`examples/migrate-cometd/${name}.js`, anyPort);
    const stranger = client(origin, 'token-of-nobody');
    await expect(stranger.open()).rejects.toThrow('403::handshake_denied');

    const ann = await connected(client(origin, 'token-of-ann'));
    await ann.subscribe('/chat/*');
    const bob = await connected(client(origin, 'token-of-bob'));
    await bob.subscribe('/news');
    await bob.subscribe('/service/who');

    await bob.publish('/chat/room', { text: 'darn it' });
    await hears(ann, [['/chat/*', '/chat/room', { text: '**** it', from: 'bob' }]]);
    const answer = bob.publish('/chat/room', 'no text').then(
      () => 'successful',
      ({ message }: Error) => message,
    );
    expect(await answer).toBe(dropped);
    await bob.publish('/chat/room', { text: 'hello' });
    await hears(ann, [
      ['/chat/*', '/chat/room', { text: '**** it', from: 'bob' }],
      ['/chat/*', '/chat/room', { text: 'hello', from: 'bob' }],
    ]);
    await expect(bob.publish('/news', { text: 'mine' })).rejects.toThrow('publish_denied');

    await bob.publish('/service/who', {});
    await hears(bob, [['/service/who', '/service/who', { names: ['ann', 'bob'] }]]);
    expect(await post(`${origin}/news`, { text: 'open' })).toEqual({ published: true });
    await hears(bob, [
      ['/service/who', '/service/who', { names: ['ann', 'bob'] }],
      ['/news', '/news', { text: 'open' }],
    ]);

    await bob.close();
    await prints(stdout, [
      'ann came',
      'ann subscribed to /chat/*',
      'bob came',
      'bob subscribed to /news',
      'bob went: disconnect',
    ]);
  });
});
