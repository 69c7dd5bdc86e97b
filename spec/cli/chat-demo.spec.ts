import { describe, expect, it } from 'vitest';
import { chatPolicy, withChatOptions } from '../../src/cli/chat-demo.ts';
import { configOf, resolveOptions } from '../../src/server-options.ts';
import type { ServerOptions } from '../../src/server-options-types.ts';
import { startTestServer } from '../../src/testing/index.ts';

const nothing = new Map<string, string>();

/** What holds for a channel where the program serves the chat page. */
function ruleOf(channels: NonNullable<ServerOptions['channels']>, channel = '/chat/lobby') {
  return configOf(withChatOptions(resolveOptions({ channels }), nothing)).rules.of(channel);
}

describe('the channels of the chat page', () => {
  it.each(['/chat/lobby', '/chat/garden'])(
    'keep their last 50 messages, and say who is there: %s',
    (channel) => {
      expect(ruleOf({}, channel)).toMatchObject({ history: { maxEvents: 50 }, presence: { mode: 'full' } });
    },
  );

  it('keep nothing of who types', () => {
    const rule = ruleOf({}, '/typing/lobby');
    expect(rule).toMatchObject({ volatile: true });
    expect([rule.history, rule.presence]).toEqual([undefined, undefined]);
  });

  it('are the only ones that are kept for the page', () => {
    expect(ruleOf({}, '/other/lobby').history).toBeUndefined();
    expect(ruleOf({}, '/chat').history).toBeUndefined();
  });

  it('keep what else their rules say', () => {
    const channels = { '/chat/lobby': { lazy: 7 }, '/chat/*': { broadcastToPublisher: false } };
    expect(ruleOf(channels)).toMatchObject({
      lazy: 7,
      broadcastToPublisher: false,
      history: { maxEvents: 50 },
    });
  });

  it.each(['/chat/lobby', '/chat/*', '/chat/**', '/**'])('are as a rule for %s says', (pattern) => {
    const history = { maxEvents: 7, maxAge: 1000 };
    expect(ruleOf({ [pattern]: { history } }).history).toEqual(history);
    expect(ruleOf({ [pattern]: { history: false } }).history).toBe(false);
    expect(ruleOf({ [pattern]: { presence: false } }).presence).toBe(false);
  });

  it.each(['/service/direct', '/service/*', '/service/**'])(
    'take no direct messages if the rule for %s says so',
    (pattern) => {
      expect(ruleOf({}, '/service/direct').addressed).toMatchObject({ copy: true });
      expect(ruleOf({ [pattern]: { addressed: false } }, '/service/direct').addressed).toBe(false);
    },
  );

  it('change one other option only: the number of all users is told, unless the operator said otherwise', () => {
    const options = resolveOptions({ timeout: 12_345, channels: { '/a': { lazy: true } } });
    const { channels, presence, ...rest } = withChatOptions(options, nothing);
    expect({ ...rest, channels: options.channels, presence: options.presence }).toEqual(options);
    expect(channels['/a']).toEqual({ lazy: true });
    expect(presence).toEqual({ ...options.presence, everyone: 'total' });
    expect(
      withChatOptions(options, new Map([['presence.everyone', '--no-presence-everyone']])).presence,
    ).toEqual(options.presence);
  });
});

interface Reply {
  readonly successful: boolean;
  readonly error?: string;
  readonly ext?: object;
}

describe('a guest of the chat page', () => {
  const key = 'abcdefghijklmnopqrstuvwxyz';

  /** The reply to a handshake. */
  async function handshake(hasGuests: boolean, ext: object): Promise<Reply & { users: unknown[] }> {
    const { url, close, server } = await startTestServer({ policy: chatPolicy(hasGuests) });
    const message = {
      channel: '/meta/handshake',
      version: '1.0',
      supportedConnectionTypes: ['long-polling'],
      ext,
    };
    const response = await fetch(url, { method: 'POST', body: JSON.stringify([message]) });
    const [reply]: Reply[] = JSON.parse(await response.text());
    const users = [...server.sessions].map(({ user }) => user);
    await close();
    if (reply === undefined) throw new Error('no reply');
    return { ...reply, users };
  }

  it('is a user whose id does not give the key away', async () => {
    const reply = await handshake(true, { guest: { key, name: 'Ada' } });
    expect(reply).toMatchObject({ successful: true, users: [{ info: { name: 'Ada' } }] });
    expect(reply.ext).toMatchObject({ user: { id: expect.stringMatching(/^[\da-f]{24}$/), name: 'Ada' } });
    expect(JSON.stringify(reply)).not.toContain(key);
  });

  it('is the same with the same key, and another with another, whatever the name', async () => {
    const idOf = async (guest: object) => JSON.stringify((await handshake(true, { guest })).ext).slice(0, 35);
    expect(await idOf({ key, name: 'Ada' })).toBe(await idOf({ key, name: 'Grace' }));
    expect(await idOf({ key, name: 'Ada' })).not.toBe(await idOf({ key: `${key}1`, name: 'Ada' }));
  });

  it.each([
    [{ key: 'short', name: 'Ada' }],
    [{ key, name: '' }],
    [{ key, name: 'A\nda' }],
    [{ key, name: 'a'.repeat(25) }],
    [{ key }],
    [7],
  ])('is refused when what it sends is no guest: %j', async (guest) => {
    const { successful, error } = await handshake(true, { guest });
    expect([successful, error]).toEqual([false, expect.stringContaining('send a key of 20 to 64')]);
  });

  it('is nobody where something else says who a user is', async () => {
    expect(await handshake(false, { guest: { key, name: 'Ada' } })).toMatchObject({
      successful: true,
      users: [undefined],
    });
  });

  it('need not be one: other clients send nothing', async () => {
    expect(await handshake(true, {})).toMatchObject({ successful: true, users: [undefined] });
  });
});
