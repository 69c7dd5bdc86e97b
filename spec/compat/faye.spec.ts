import { describe, expect, it, onTestFinished } from 'vitest';
import { type FayeExtension, fayeExtension } from '../../src/features/faye.ts';
import { close, hears } from '../interop/columns.ts';
import { type FayeClientExtension, fayeDriver } from '../interop/faye-driver.ts';
import { type Hosting, host } from '../interop/host.ts';
import { fayeClient } from '../interop/node-clients.ts';

const running = (extension: FayeExtension) => host({ extensions: [fayeExtension(extension)] });

async function connected({ url }: Hosting, own?: FayeClientExtension) {
  const client = fayeClient(url);
  if (own !== undefined) client.addExtension(own);
  const driver = fayeDriver(client);
  onTestFinished(() => close(driver));
  await driver.open();
  return driver;
}

/** Sends this in the `ext` of every message, as the client-side half of Faye's examples does. */
const sending = (ext: Record<string, unknown>): FayeClientExtension => ({
  outgoing(message, callback) {
    message.ext = { ...message.ext, ...ext };
    callback(message);
  },
});

describe('extensions as Faye’s site shows them', () => {
  // https://faye.jcoglan.com/security/authentication.html
  const registry: Record<string, string> = { '/users/alice': 'rt6utrb', '/users/bob': 'a5z9d8e' };
  const tokens: FayeExtension = {
    incoming(message, callback) {
      if (message.channel !== '/meta/subscribe') return callback(message);
      const expected = registry[String(message.subscription)];
      setImmediate(() => {
        if (expected !== message.ext?.authToken) message.error = 'Invalid subscription auth token';
        callback(message);
      });
    },
  };

  it('lets only those subscribe who have the token, and decides later', async () => {
    const place = await running(tokens);
    const alice = await connected(place, sending({ authToken: 'rt6utrb' }));
    await alice.subscribe('/users/alice');
    await expect(alice.subscribe('/users/bob')).rejects.toMatchObject({
      code: 403,
      message: 'Invalid subscription auth token',
    });
    await place.server.publish('/users/bob', 'for Bob');
    await place.server.publish('/users/alice', 'for Alice');
    await hears(alice, [['/users/alice', '/users/alice', 'for Alice']]);
  });

  const secret: FayeExtension = {
    incoming(message, callback) {
      if (!message.channel.match(/^\/meta\//)) {
        const password = message.ext?.password;
        if (password !== 'open sesame') message.error = '403::Password required';
      }
      callback(message);
    },
    outgoing(message, callback) {
      if (message.ext) delete message.ext.password;
      callback(message);
    },
  };

  it('lets only those publish who know the password, which reaches nobody', async () => {
    const place = await host({ forward: 'all', extensions: [fayeExtension(secret)] });
    const seen: unknown[] = [];
    const listener = await connected(place, {
      incoming(message, callback) {
        if (message.channel === '/posts') seen.push(message);
        callback(message);
      },
    });
    await listener.subscribe('/posts');
    await expect(listener.publish('/posts', 'hi')).rejects.toMatchObject({
      code: 403,
      message: 'Password required',
    });
    const owner = await connected(place, sending({ password: 'open sesame', topic: 'news' }));
    await owner.publish('/posts', 'hi');
    await expect.poll(() => seen).toHaveLength(2);
    expect(seen[1]).toEqual({ channel: '/posts', data: 'hi', ext: { topic: 'news' } });
  });

  it('sees the request in its three-argument form: an origin check', async () => {
    const place = await running({
      incoming(message, request, callback) {
        if (request && request.headers['user-agent'] !== 'trusted') message.error = '403::Forbidden origin';
        callback(message);
      },
    });
    const tell = async (agent: string) => {
      const body = JSON.stringify([
        { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] },
      ]);
      const headers = { 'content-type': 'application/json', 'user-agent': agent };
      const response = await fetch(place.url, { method: 'POST', headers, body });
      return response.json();
    };
    expect(await tell('trusted')).toMatchObject([{ successful: true }]);
    expect(await tell('other')).toMatchObject([{ successful: false, error: '403::Forbidden origin' }]);
    await (await place.server.localSession()).publish('/local', 'has no request');
  });
});

describe('what an extension may do', () => {
  it('changes what is published, and the ext of a reply', async () => {
    const place = await running({
      incoming(message, callback) {
        if (message.channel === '/shout') message.data = { text: String(message.data.text).toUpperCase() };
        callback(message);
      },
      outgoing(message, callback) {
        if (message.channel === '/meta/handshake') message.ext = { welcome: true };
        callback(message);
      },
    });
    const exts: unknown[] = [];
    const client = await connected(place, {
      incoming(message, callback) {
        if (message.channel === '/meta/handshake') exts.push(message.ext);
        callback(message);
      },
    });
    await client.subscribe('/shout');
    await client.publish('/shout', { text: 'quiet' });
    await hears(client, [['/shout', '/shout', { text: 'QUIET' }]]);
    expect(exts).toEqual([{ welcome: true }]);
  });

  it('deletes a message, or an event on its way to one receiver', async () => {
    const place = await running({
      incoming: (message, callback) => callback(message.data === 'spam' ? null : message),
      outgoing: (message, callback) => callback(message.data === 'kept back' ? null : message),
    });
    const client = await connected(place);
    await client.subscribe('/chat');
    await expect(client.publish('/chat', 'spam')).rejects.toMatchObject({ code: 404 });
    await client.publish('/chat', 'kept back');
    await client.publish('/chat', 'heard');
    await hears(client, [['/chat', '/chat', 'heard']]);
  });

  it('cannot change the channel, the id or the sender of a message', async () => {
    const place = await running({
      incoming(message, callback) {
        if (message.channel === '/chat')
          Object.assign(message, { channel: '/other', id: 'x', clientId: 'y', data: 2 });
        callback(message);
      },
    });
    const client = await connected(place);
    await client.subscribe('/**');
    await client.publish('/chat', 1);
    await hears(client, [['/**', '/chat', 2]]);
  });

  it('is told in plain words what it says that clients could not read', async () => {
    const place = await running({
      incoming(message, callback) {
        if (message.channel === '/chat') message.error = 'No: "you" <there>';
        callback(message);
      },
    });
    const client = await connected(place);
    await expect(client.publish('/chat', 1)).rejects.toMatchObject({
      code: 403,
      message: 'No   you   there ',
    });
  });
});

describe('an extension that fails', () => {
  const warnings = (): string[] => {
    const heard: string[] = [];
    const listener = (warning: Error): void => void heard.push(warning.message);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    return heard;
  };

  it.each([
    [
      'at once',
      () => {
        throw new Error('boom');
      },
    ],
    [
      'later',
      async () => {
        await null;
        throw new Error('boom');
      },
    ],
  ])('refuses the message when it throws %s, and is named in a warning', async (_when, fail) => {
    const heard = warnings();
    const place = await running({
      incoming: (message, callback) => (message.channel === '/chat' ? fail() : callback(message)),
    });
    const client = await connected(place);
    await expect(client.publish('/chat', 1)).rejects.toMatchObject({ code: 500 });
    await expect.poll(() => heard.join()).toContain('extension "faye": Error: boom');
  });

  it('keeps back an event it does not let go at once', async () => {
    const heard = warnings();
    const place = await running({
      outgoing: (message, callback) => {
        if (message.data === 'slow') setImmediate(() => callback(message));
        else callback(message);
      },
    });
    const client = await connected(place);
    await client.subscribe('/chat');
    await place.server.publish('/chat', 'slow');
    await place.server.publish('/chat', 'quick');
    await hears(client, [['/chat', '/chat', 'quick']]);
    expect(heard.join()).toContain('did not deliver an event on /chat');
  });
});
