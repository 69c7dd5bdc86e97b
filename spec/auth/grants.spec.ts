import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuleGrants } from '../../src/features/auth/rule-grants.ts';
import { TokenGrants } from '../../src/features/auth/token-grants.ts';
import type { ChannelRuleOptions } from '../../src/server-options-types.ts';
import { ChannelGrammar, covers } from '../../src/protocol/channel.ts';
import { FakeClient } from '../support/fake-client.ts';
import { all, granting, guarded } from './tokens.ts';

const grammar = new ChannelGrammar({ channelNames: 'bayeux', maxChannelLength: 255, maxChannelSegments: 16 });

/** Grant, what is asked for, and whether the grant takes it in. `sub` is `ann` unless it stands there. */
const table: readonly [grant: string, asked: string, granted: boolean, sub?: string][] = [
  ['/a/b', '/a/b', true],
  ['/a/b', '/a/B', false],
  ['/a/b', '/a/bc', false],
  ['/a/b', '/a', false],
  ['/a/b', '/a/*', false],
  ['/a/b', '/a/**', false],
  ['/a/b', '/**', false],
  ['/a/*', '/a/b', true],
  ['/a/*', '/a/*', true],
  ['/a/*', '/a', false],
  ['/a/*', '/a/b/c', false],
  ['/a/*', '/a/**', false],
  ['/a/*', '/a/b/*', false],
  ['/a/**', '/a/b', true],
  ['/a/**', '/a/b/c', true],
  ['/a/**', '/a/*', true],
  ['/a/**', '/a/**', true],
  ['/a/**', '/a/b/**', true],
  ['/a/**', '/a', false],
  ['/a/**', '/ab', false],
  ['/a/**', '/*', false],
  ['/a/**', '/**', false],
  ['/*', '/a', true],
  ['/*', '/a/b', false],
  ['/*', '/**', false],
  ['/**', '/a/b', true],
  ['/**', '/**', true],
  ['/**', '/vip', true],
  ['/u/$sub', '/u/ann', true],
  ['/u/$sub', '/u/bob', false],
  ['/u/$sub', '/u/$sub', false],
  ['/u/$sub', '/u/*', false],
  ['/u/$sub/**', '/u/ann/**', true],
  ['/u/$sub/**', '/u/ann/x', true],
  ['/u/$sub/**', '/u/**', false],
  ['/u/$sub/**', '/u/annabel/x', false],
  ['/$sub/x', '/ann/x', true],
  ['/u/x$sub', '/u/xann', false],
  ['/u/$sub', '/u/*', false, '*'],
  ['/u/$sub', '/u/bob', false, '*'],
  ['/u/$sub', '/u/**', false, '**'],
  ['/u/$sub', '/u/a/b', false, 'a/b'],
  ['/u/$sub/**', '/u/a/b', false, 'a/b'],
  ['/u/$sub/**', '/u/bob/x', false, '../bob'],
  ['/u/$sub/**', '/u/**', false, ''],
  ['/u/$sub', '/u/$sub', true, '$sub'],
  ['/u/$sub', '/u/bob', false, '$sub'],
];

/** By each way a client may ask for one pattern. */
const aliases = {
  'a string': (asked: string) => asked,
  'an array': (asked: string) => [asked],
  'an array with another that is granted': (asked: string) => [asked, '/ok'],
};

describe.each(Object.entries(aliases))('a subscription given as %s', (_, written) => {
  it.each(table)('token grants %s, asked for %s: %s', async (grant, asked, granted, sub = 'ann') => {
    const { open } = guarded();
    const client = await open({ ...granting({ subscribe: [grant, '/ok'] }), sub: sub || 'x' });
    const { reply } = await client.subscribe(written(asked));
    const refused = { successful: false, error: `403:${asked}:subscribe_denied` };
    expect(reply).toMatchObject(granted ? { successful: true } : refused);
    expect(client.session.subscriptions.has(asked)).toBe(granted);
    expect(client.session.subscriptions.has('/ok')).toBe(granted && written(asked).includes('/ok'));
  });
});

describe('a rule', () => {
  it.each(table)('for %s, asked for %s: %s', async (pattern, asked, granted, sub = 'ann') => {
    const { open } = guarded({ channels: { [pattern]: { grants: { subscribe: 'users' } } } });
    const client = await open({ sub: sub || 'x' });
    expect((await client.subscribe(asked)).reply.successful).toBe(granted);
  });

  it.each([
    ['everybody', true, true],
    ['users', true, false],
    ['nobody', false, false],
  ] as const)('grants to %s', async (grantee, user, anonymous) => {
    const { open, server } = guarded({
      auth: { anonymous: true },
      channels: { '/a': { grants: { subscribe: grantee } } },
    });
    expect((await (await open()).subscribe('/a')).reply.successful).toBe(user);
    expect((await (await FakeClient.open(server)).subscribe('/a')).reply.successful).toBe(anonymous);
  });

  it('that is more specific decides, also within a pattern', async () => {
    const { open } = guarded({
      channels: {
        '/**': { grants: { subscribe: 'users' } },
        '/vip/**': { grants: { subscribe: 'nobody' } },
        '/vip/open': { grants: { subscribe: 'users', publish: 'users' } },
      },
    });
    const client = await open();
    const asked = ['/a', '/a/**', '/*', '/vip/open', '/**', '/vip/**', '/vip/*', '/vip/x'];
    const granted = await Promise.all(
      asked.map(async (one) => (await client.subscribe(one)).reply.successful),
    );
    expect(granted).toEqual([true, true, true, true, false, false, false, false]);
  });

  it('for $sub keeps each user from the channels of the others, within patterns too', async () => {
    const { open } = guarded({
      channels: {
        '/**': { grants: { subscribe: 'everybody' } },
        '/u/$sub/x': { grants: { subscribe: 'users' } },
        '/u/bob/x': { grants: { subscribe: 'everybody' } },
      },
    });
    const client = await open();
    const asked = [
      '/u/ann/x',
      '/u/ann/**',
      '/u/ann/*',
      '/a/**',
      '/u/bob/x',
      '/u/eve/x',
      '/u/eve/*',
      '/u/**',
      '/**',
    ];
    const granted = await Promise.all(
      asked.map(async (one) => [one, (await client.subscribe(one)).reply.successful]),
    );
    expect(Object.fromEntries(granted)).toEqual({
      ...{ '/u/ann/x': true, '/u/ann/**': true, '/u/ann/*': true, '/a/**': true, '/u/bob/x': true },
      ...{ '/u/eve/x': false, '/u/eve/*': false, '/u/**': false, '/**': false },
    });
  });

  it('adds to what the token grants', async () => {
    const { open } = guarded({
      channels: { '/a/**': { grants: { publish: 'nobody' } }, '/b': { grants: { publish: 'users' } } },
    });
    const client = await open(granting({ publish: ['/a/x'] }));
    const asked = ['/a/x', '/a/y', '/b', '/c'];
    const granted = await Promise.all(
      asked.map(async (one) => (await client.publish(one, 1)).reply.successful),
    );
    expect(granted).toEqual([true, false, true, false]);
  });

  it('may be for service channels', async () => {
    const { open } = guarded({ channels: { '/service/a': { grants: { call: 'users' } } } });
    const client = await open();
    expect((await client.publish('/service/a', 1)).reply).toMatchObject({ successful: true });
    expect((await client.publish('/service/b', 1)).reply).toMatchObject({
      error: '403:/service/b:publish_denied',
    });
    expect((await client.subscribe('/service/a')).reply).toMatchObject({ successful: true });
    expect((await client.subscribe('/service/b')).reply).toMatchObject({ successful: false });
  });

  it('needs a key', () => {
    expect(() =>
      guarded({ auth: { secret: undefined }, channels: { '/a': { grants: { call: 'users' } } } }),
    ).toThrow(/^channels\["\/a"\]\.grants has no effect without a key/);
  });
});

describe('each right', () => {
  const rights = ['subscribe', 'publish', 'call', 'history'];
  const deeds = {
    subscribe: (client: FakeClient) => client.subscribe('/a'),
    publish: (client: FakeClient) => client.publish('/a', 1),
    call: (client: FakeClient) => client.publish('/service/a', 1),
    history: (client: FakeClient) =>
      client.send(client.message('/meta/subscribe', { subscription: '/a', ext: { replay: { '/a': -2 } } })),
  };

  it.each(rights)('%s grants itself alone', async (right) => {
    const { open } = guarded({ channels: { '/a': { history: true } } });
    const client = await open(
      granting({ [right]: ['/**'], ...(right === 'history' && { subscribe: ['/**'] }) }),
    );
    const done = await Promise.all(
      Object.entries(deeds).map(async ([name, deed]) => [name, (await deed(client)).reply.successful]),
    );
    const also = right === 'history' ? ['subscribe'] : [];
    expect(Object.fromEntries(done)).toEqual(
      Object.fromEntries(rights.map((one) => [one, one === right || also.includes(one)])),
    );
  });

  it.each([-2, 1])('history is asked for from %s, and not for what is new', async (position) => {
    const { open } = guarded({ channels: { '/a': { history: true } } });
    const client = await open(granting({ subscribe: ['/a'] }));
    const from = (at: number) =>
      client.send(client.message('/meta/subscribe', { subscription: '/a', ext: { replay: { '/a': at } } }));
    expect((await from(position)).reply).toMatchObject({ error: '403:/a:history_denied' });
    expect([...client.session.subscriptions]).toEqual([]);
    expect((await from(-1)).reply).toMatchObject({ successful: true });
  });
});

describe('a claim with grants', () => {
  it.each([
    [[]],
    ['all'],
    [{ subscribe: '/a' }],
    [{ subscribe: [7] }],
    [{ publish: ['a'] }],
    [{ publish: ['/a/*/b'] }],
    [{ call: Array(101).fill('/a') }],
  ])('that cannot be read is refused with its token: %j', async (bayeux) => {
    const { shake, token, lines } = guarded();
    const reply = await shake({ ext: { auth: { token: await token({ bayeux }) } } });
    expect(reply).toMatchObject({ error: '401::token_invalid' });
    expect(lines).toMatchObject([{ why: expect.stringMatching(/^its claim auth\.grantsClaim is not/) }]);
  });

  it('may have another name', async () => {
    const { open } = guarded({ auth: { grantsClaim: 'https://example.com/push' } });
    const client = await open({
      'https://example.com/push': { subscribe: ['/a'] },
      ...granting({ subscribe: ['/b'] }),
    });
    expect((await client.subscribe('/a')).reply.successful).toBe(true);
    expect((await client.subscribe('/b')).reply.successful).toBe(false);
  });
});

describe('a policy beside grants', () => {
  it.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, false],
  ])('granted %s and allowed %s: %s', async (granted, allowed, done) => {
    const asked: string[] = [];
    const ask = ({ channel }: { channel: string }) => asked.push(channel) > 0 && allowed;
    const { open } = guarded({ policy: { canSubscribe: ask, canPublish: ask } });
    const client = await open(granted ? all : {});
    expect((await client.subscribe('/a')).reply.successful).toBe(done);
    expect((await client.publish('/a', 1)).reply.successful).toBe(done);
    expect(asked).toEqual(granted ? ['/a', '/a'] : []);
  });
});

// All channels of up to three segments from a small alphabet, and the patterns that match some of them.
const letters = ['a', 'b', '$sub'];
const names = ['', '/a', '/b', '/$sub'].flatMap((one) =>
  ['', '/a', '/b', '/$sub'].flatMap((two) => letters.map((three) => `${one}${two}/${three}`)),
);
const channels = [...new Set(names.map((name) => name.replaceAll('$sub', 'ann')))];
const patterns = [
  ...new Set(names.flatMap((name) => [name, name.replace(/[^/]+$/, '*'), name.replace(/[^/]+$/, '**')])),
];
const askable = [...new Set(patterns.map((one) => one.replaceAll('$sub', 'ann')))];

describe('a pattern is granted where each channel in it is', () => {
  const within = (pattern: string) => channels.filter((channel) => covers(pattern, channel));

  it('by tokens: never more', () => {
    fc.assert(
      fc.property(fc.subarray(patterns, { maxLength: 4 }), fc.constantFrom(...askable), (given, asked) => {
        const grants = TokenGrants.of({ subscribe: given }, 'ann', grammar);
        if (!grants.covers('subscribe', asked)) return;
        for (const channel of within(asked)) expect(grants.covers('subscribe', channel)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('by rules: never more', () => {
    const rule = fc.constantFrom('everybody', 'users', 'nobody');
    const rules = fc.dictionary(fc.constantFrom(...patterns), rule, { maxKeys: 6, noNullPrototype: true });
    fc.assert(
      fc.property(
        rules,
        fc.constantFrom(...askable),
        fc.constantFrom('ann', undefined),
        (given, asked, asker) => {
          const byPattern = Object.fromEntries(
            Object.entries(given).map(([pattern, subscribe]) => [pattern, { grants: { subscribe } }]),
          ) as Record<string, ChannelRuleOptions>;
          const grants = new RuleGrants(byPattern);
          if (!grants.covers('subscribe', asked, asker)) return;
          for (const channel of within(asked)) expect(grants.covers('subscribe', channel, asker)).toBe(true);
        },
      ),
      { numRuns: 20_000 },
    );
  });
});

describe('what is remembered of a session', () => {
  it('is right for more channels than it remembers', async () => {
    const { open } = guarded();
    const client = await open(granting({ publish: ['/a/*'] }));
    for (let round = 0; round < 2; round += 1)
      for (let at = 0; at < 100; at += 1) {
        expect((await client.publish(`/a/${at}`, 1)).reply.successful).toBe(true);
        expect((await client.publish(`/b/${at}`, 1)).reply.successful).toBe(false);
      }
  });
});
