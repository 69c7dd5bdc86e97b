import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { Server as CoreServer } from '../../src/core/server.ts';
import { silent } from '../../src/lib/log.ts';
import { configOf } from '../../src/server-options.ts';
import type { Policy } from '../../src/ports/policy.ts';
import { UsageError } from '../../src/lib/usage-error.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';
import { laterDirectory } from '../support/later-directory.ts';
import { settle } from '../support/until.ts';

const policy: Policy = {
  canHandshake: ({ message }) =>
    typeof message.ext?.user === 'string' ? { allow: true, user: message.ext.user } : true,
};

/** A server whose directory answers at once, and one whose directory answers with promises. */
const servers: [string, () => CoreServer][] = [
  ['answers at once', () => serve({ policy }).server],
  [
    'answers later',
    () =>
      new CoreServer({
        ...configOf({}),
        features: [],
        extensions: [],
        policy,
        engine: new MemoryEngine(),
        clock: new FakeClock(),
        log: silent,
        directory: laterDirectory,
      }),
  ],
];

function connected(server: CoreServer, user?: string) {
  const conduit = socket();
  return FakeClient.connected(server, conduit, { ext: { user } }).then((client) => ({ client, conduit }));
}

const dataOf = ({ conduit }: Awaited<ReturnType<typeof connected>>) =>
  conduit.messages.filter(({ data }) => data !== undefined).map(({ channel, data }) => [channel, data]);

describe.each(servers)('where the directory %s', (_name, served) => {
  it('a user is all sessions with that id', async () => {
    const server = served();
    const [tab, phone, bob] = [
      await connected(server, 'ann'),
      await connected(server, 'ann'),
      await connected(server, 'bob'),
    ];
    const ann = server.user('ann');
    expect(ann.id).toBe('ann');
    expect([...(await ann.sessions())].sort()).toEqual(
      [tab.client.session.id, phone.client.session.id].sort(),
    );
    expect(await ann.deliver('/private/offer', { price: 5 })).toEqual({ sessions: 2 });
    await settle();
    expect([dataOf(tab), dataOf(phone), dataOf(bob)]).toEqual([
      [['/private/offer', { price: 5 }]],
      [['/private/offer', { price: 5 }]],
      [],
    ]);
  });

  it('an event for a user who is offline reaches nobody', async () => {
    const server = served();
    const bob = await connected(server, 'bob');
    await bob.client.subscribe('/**', bob.conduit);
    expect(await server.user('ann').sessions()).toEqual([]);
    expect(await server.user('ann').deliver('/private/offer', 1)).toEqual({ sessions: 0 });
    await settle();
    expect(dataOf(bob)).toEqual([]);
  });

  it('disconnects every session of a user, and no other', async () => {
    const server = served();
    await connected(server, 'ann');
    await connected(server, 'ann');
    const bob = await connected(server, 'bob');
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    expect(await server.user('ann').disconnect('inactive')).toEqual({ sessions: 2 });
    expect([reasons, [...server.sessions].map(({ id }) => id)]).toEqual([
      ['inactive', 'inactive'],
      [bob.client.session.id],
    ]);
  });

  it('a group is the users that were added to it, online or not', async () => {
    const server = served();
    const editors = server.group('editors');
    const [ann, bob] = [await connected(server, 'ann'), await connected(server, 'bob')];
    for (const user of ['ann', 'eve', 'bob', 'ann']) await editors.add(user);
    expect(await server.group('editors').members()).toEqual(['ann', 'eve', 'bob']);
    expect(await editors.deliver('/news', 'first')).toEqual({ sessions: 2 });
    await editors.remove('bob');
    await editors.remove('bob');
    expect(await editors.deliver('/news', 'second')).toEqual({ sessions: 1 });
    const eve = await connected(server, 'eve');
    expect(await editors.deliver('/news', 'third')).toEqual({ sessions: 2 });
    await settle();
    expect([dataOf(ann), dataOf(bob), dataOf(eve)].map((list) => list.map(([, data]) => data))).toEqual([
      ['first', 'second', 'third'],
      ['first'],
      ['third'],
    ]);
  });

  it('events for one user come in the order of the calls', async () => {
    const server = served();
    const ann = await connected(server, 'ann');
    const { deliver } = { deliver: (n: number) => server.user('ann').deliver('/n', n) };
    await Promise.all([1, 2, 3].map(deliver));
    await settle();
    expect(dataOf(ann).map(([, data]) => data)).toEqual([1, 2, 3]);
  });
});

it('encodes one event for all sessions of a group', async () => {
  const { server } = serve({ policy });
  const texts = new Set<unknown>();
  for (const user of ['ann', 'bob', 'ann']) {
    const client = await FakeClient.open(server, exchange(), { ext: { user } });
    client.session.outbox.push = (event) => {
      texts.add(event);
      return 'kept';
    };
  }
  await server.group('all').add('ann');
  await server.group('all').add('bob');
  expect(await server.group('all').deliver('/n', 1)).toEqual({ sessions: 3 });
  expect(texts.size).toBe(1);
});

it('knows users with the names of the objects they are kept in (CH-9)', async () => {
  const { server } = serve({ policy });
  await connected(server, '__proto__');
  await server.group('constructor').add('__proto__');
  expect(await server.group('toString').members()).toEqual([]);
  expect(await server.group('constructor').deliver('/n', 1)).toEqual({ sessions: 1 });
});

describe('attributes', () => {
  it('come from the answer of canHandshake, as a copy, before extensions and listeners look', async () => {
    const attributes = { role: 'editor', tags: ['a'] };
    const seen: unknown[] = [];
    const { server } = serve({
      policy: { canHandshake: () => ({ allow: true, attributes }) },
      extensions: [{ name: 'looks', opened: (session) => void seen.push({ ...session.attributes }) }],
    });
    server.on('session.opened', ({ session }) => seen.push({ ...session.attributes }));
    const client = await FakeClient.open(server);
    attributes.tags.push('b');
    expect(seen).toEqual([
      { role: 'editor', tags: ['a'] },
      { role: 'editor', tags: ['a'] },
    ]);
    expect(client.session.attributes).toEqual({ role: 'editor', tags: ['a'] });
  });

  it('that JSON cannot carry fail the handshake, and leave nothing behind', async () => {
    const { server, clock } = serve({
      log: silent,
      policy: { canHandshake: () => ({ allow: true, attributes: { big: 1n as unknown as number } }) },
    });
    const conduit = exchange();
    await server.receive(
      server.decode(
        JSON.stringify({
          channel: '/meta/handshake',
          version: '1.0',
          supportedConnectionTypes: ['long-polling'],
        }),
      ),
      conduit,
    );
    expect(conduit.messages).toMatchObject([{ successful: false, error: '500::server_error' }]);
    expect([server.sessions.size, server.usage, clock.pending]).toEqual([0, expect.anything(), 0]);
    expect(server.usage).toMatchObject({ sessions: 0, addresses: 0 });
  });
});

it('an in-process session may have a user with info', async () => {
  const { server } = serve({ policy });
  const session = await server.localSession({ judged: true, user: { id: 'ann', info: { name: 'Ann' } } });
  expect(session.session.user).toEqual({ id: 'ann', info: { name: 'Ann' } });
  expect(await server.user('ann').deliver('/n', 1)).toEqual({ sessions: 1 });
});

describe('a wrong argument is refused with the call to write', () => {
  const { server } = serve({ policy });
  // biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
  const untyped: any = server;
  it.each<[string, () => unknown, string]>([
    [
      'user()',
      () => untyped.user(),
      "the id of a user must be a text, got undefined: write server.user('ann')",
    ],
    ['user({})', () => untyped.user({ id: 'ann' }), 'the id of a user must be a text, got {"id":"ann"}'],
    ["user('')", () => server.user(''), 'the id of a user must be a text, got ""'],
    [
      'deliver(data)',
      () => untyped.user('ann').deliver({ a: 1 }),
      "write server.user('ann').deliver('/private",
    ],
    [
      'deliver(/meta/x)',
      () => server.user('ann').deliver('/meta/x', 1),
      '"/meta/x" is no broadcast or service',
    ],
    ['deliver(1n)', () => server.user('ann').deliver('/a', 1n), 'data must be a value JSON can carry'],
    [
      'disconnect(x)',
      () => untyped.user('ann').disconnect('bored'),
      'the reason must be one of disconnected, ',
    ],
    [
      'group()',
      () => untyped.group(7),
      "the name of a group must be a text, got 7: write server.group('editors')",
    ],
    ['add()', () => untyped.group('g').add({ id: 'ann' }), "write server.group('editors').add('ann')"],
    ['remove()', () => untyped.group('g').remove(), "write server.group('editors').remove('ann')"],
    ['group.deliver', () => untyped.group('g').deliver(5), "write server.group('editors').deliver('/private"],
    [
      'localSession',
      () => untyped.localSession({ user: { name: 'ann' } }),
      'user of an in-process session must be an id or { id, info }, got {"name":"ann"}',
    ],
  ])('%s', async (_name, call, sentence) => {
    const error = await Promise.resolve()
      .then(call)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(sentence);
  });
});
