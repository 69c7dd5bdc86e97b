import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import type { HandshakeAnswer } from '../../src/ports/policy.ts';
import { errors } from '../../src/protocol/errors.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, socket, type Wire } from '../support/fake-conduit.ts';

const everyType = [
  'websocket',
  'eventsource',
  'long-polling',
  'cross-origin-long-polling',
  'callback-polling',
];
const none = { reconnect: 'none', interval: 0, timeout: 30_000 };
const again = { reconnect: 'handshake', interval: 1000, timeout: 30_000 };
const retry = { reconnect: 'retry', interval: 0, timeout: 30_000 };

async function answerTo(fields: Wire): Promise<Wire> {
  const { server } = serve();
  return (await ask(server, handshake(fields))).reply;
}

async function judged(answer: HandshakeAnswer | Promise<HandshakeAnswer>): Promise<Wire> {
  const { server, clock } = serve({ policy: { canHandshake: () => answer } });
  const { reply } = await ask(server, handshake());
  if (reply.successful === false) expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  return reply;
}

describe('a handshake', () => {
  it('opens a session (HS-1, HS-5, HS-7, MSG-12)', async () => {
    const { server } = serve();
    const { reply } = await ask(server, handshake({ id: '1', clientId: 'ignored' }));
    const [session] = server.sessions;
    expect(reply).toEqual({
      id: '1',
      channel: '/meta/handshake',
      successful: true,
      version: '1.0',
      minimumVersion: '1.0',
      clientId: session?.clientId,
      supportedConnectionTypes: everyType,
      advice: retry,
    });
    expect(session?.state).toBe('new');
  });

  it.each(['1', '1.0', '1.0beta', '1.0.1', '2.0', '17', 1, 1.5])(
    'accepts version %j (HS-4)',
    async (version) => {
      expect(await answerTo({ version })).toMatchObject({ successful: true });
    },
  );

  it.each(['1.0beta', '1', '0.9', 1, '0'])('accepts minimumVersion %j (HS-5)', async (minimumVersion) => {
    expect(await answerTo({ minimumVersion })).toMatchObject({ successful: true });
  });

  it.each([
    [{ version: undefined }, '400:version:parameter_missing'],
    [{ version: {} }, '400:version:parameter_missing'],
    [{ version: '0.9' }, '300:0.9:version_mismatch'],
    [{ version: 'beta' }, '300:beta:version_mismatch'],
    [{ version: '' }, '300::version_mismatch'],
    [{ version: '<b>' }, '300::version_mismatch'],
    [{ minimumVersion: '2.0' }, '300:2.0:version_mismatch'],
    [{ minimumVersion: 'x' }, '300:x:version_mismatch'],
    [{ supportedConnectionTypes: undefined }, '400:supportedConnectionTypes:parameter_missing'],
    [{ supportedConnectionTypes: 'websocket' }, '400:supportedConnectionTypes:parameter_missing'],
    [{ supportedConnectionTypes: [1] }, '400:supportedConnectionTypes:parameter_missing'],
    [{ supportedConnectionTypes: [] }, '301::connection_types_unsupported'],
    [{ supportedConnectionTypes: ['flash', 'iframe'] }, '301:flash,iframe:connection_types_unsupported'],
    [{ supportedConnectionTypes: ['in-process'] }, '301:in-process:connection_types_unsupported'],
  ])('refuses %j with %s', async (fields, error) => {
    const { server, clock } = serve();
    const { reply } = await ask(server, handshake(fields));
    expect(reply).toEqual({
      id: 'h',
      channel: '/meta/handshake',
      successful: false,
      error,
      version: '1.0',
      minimumVersion: '1.0',
      supportedConnectionTypes: everyType,
      advice: none,
    });
    // HS-9
    expect([server.sessions.size, clock.pending]).toEqual([0, 0]);
  });

  it('lists the transports that are enabled, and only those (HS-6, HS-7)', async () => {
    const { server } = serve({ transports: ['long-polling'] });
    const { reply } = await ask(server, handshake({ supportedConnectionTypes: ['flash', 'long-polling'] }));
    expect(reply.supportedConnectionTypes).toEqual(['long-polling', 'cross-origin-long-polling']);
    const refused = (await ask(server, handshake({ supportedConnectionTypes: ['websocket'] }))).reply;
    expect(refused).toMatchObject({ error: '301:websocket:connection_types_unsupported' });
  });

  it('makes a new session each time, and leaves the older one alone (HS-2)', async () => {
    const { server } = serve();
    const [one, two] = [await FakeClient.open(server), await FakeClient.open(server)];
    expect(one.clientId).not.toBe(two.clientId);
    expect([one.session.state, two.session.state]).toEqual(['new', 'new']);
  });

  it('on a socket takes that socket from the older session (HS-2)', async () => {
    const { server } = serve();
    const wire = socket();
    const older = await FakeClient.connected(server, wire);
    await older.subscribe('/a', wire);
    const newer = await FakeClient.open(server, wire);
    expect([older.session.push, newer.session.push]).toEqual([undefined, wire]);
    await server.publish('/a', 1);
    await older.flushed();
    expect(wire.data).toEqual([]);
  });

  it('on a socket ends an older session that never connected, so that one socket has one of those (HS-2)', async () => {
    const { server, clock } = serve();
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    const wire = socket();
    for (let at = 0; at < 20; at += 1) await ask(server, handshake(), wire);
    expect([server.sessions.size, new Set(reasons), reasons.length]).toEqual([1, new Set(['replaced']), 19]);
    expect([wire.ends, clock.pending]).toEqual([[], 1]);
  });

  it('names its session before anything else comes on the socket', async () => {
    const slow: Extension = { name: 'slow', outgoing: (reply) => Promise.resolve(reply) };
    const { server } = serve({ extensions: [slow] });
    server.on('session.opened', ({ session }) => session.deliver('/hello', 1));
    const wire = socket();
    const client = await FakeClient.open(server, wire);
    await client.flushed();
    expect(wire.messages.map(({ channel }) => channel)).toEqual(['/meta/handshake', '/hello']);
  });

  it('is refused with 503 when there is no room (HS-14)', async () => {
    const { server } = serve({ maxSessions: 1 });
    await FakeClient.open(server);
    const turnedAway = await ask(server, handshake());
    expect([turnedAway.messages, turnedAway.ends]).toEqual([[], ['capacity']]);
    expect(server.sessions.size).toBe(1);
  });

  it('does not go over the limit while policies think', async () => {
    let allow: (answer: true) => void = () => {};
    const thinking = new Promise<true>((resolve) => {
      allow = resolve;
    });
    const { server } = serve({ maxSessions: 2, policy: { canHandshake: () => thinking } });
    const asked = [1, 2, 3].map(() => ask(server, handshake()));
    allow(true);
    const answered = await Promise.all(asked);
    expect(answered.map(({ ends }) => ends)).toEqual([[], [], ['capacity']]);
  });
});

describe('a handshake that is not alone (HS-3)', () => {
  it('is carried out, and nothing else is', async () => {
    const { server } = serve({ unconnectedPublish: 'allow' });
    const published: unknown[] = [];
    server.on('published', ({ data }) => published.push(data));
    const { messages } = await ask(server, [
      { id: '1', channel: '/a', data: 1 },
      handshake({ id: '2' }),
      { id: '3', channel: '/meta/subscribe', subscription: '/a' },
      { id: '4', channel: '/meta/connect' },
      handshake({ id: '5' }),
      { id: '6' },
      { id: {}, channel: '/b' },
    ]);
    const error = '400::handshake_not_alone';
    expect(messages[0]).toMatchObject({ id: '2', successful: true });
    expect(messages.slice(1)).toEqual([
      { id: '1', channel: '/a', successful: false, error },
      { id: '3', channel: '/meta/subscribe', subscription: '/a', successful: false, error },
      { id: '4', channel: '/meta/connect', successful: false, error, advice: retry },
      expect.objectContaining({
        id: '5',
        channel: '/meta/handshake',
        successful: false,
        error,
        advice: again,
      }),
      { id: '6', successful: false, error },
      { channel: '/b', successful: false, error },
    ]);
    expect([published, server.sessions.size]).toEqual([[], 1]);
  });
});

describe('the policy of a handshake (HS-10)', () => {
  it.each([
    [false, { error: '403::handshake_denied', advice: none }],
    [{ allow: false }, { error: '403::handshake_denied', advice: none }],
    [
      { allow: false, error: '403:a:not_you' },
      { error: '403:a:not_you', advice: none },
    ],
    [{ allow: false, error: 'Nein!' }, { error: '403::handshake_denied' }],
    [{ allow: false, error: '403:<b>:no' }, { error: '403::no' }],
    [{ allow: false, ext: { sfdc: { failureReason: 'x' } } }, { ext: { sfdc: { failureReason: 'x' } } }],
    [{ allow: false, advice: { reconnect: 'handshake' } }, { advice: again }],
    [
      { allow: false, advice: { reconnect: 'handshake', interval: 0 } },
      { advice: { ...again, interval: 0 } },
    ],
    // ADV-4
    [{ allow: false, advice: { reconnect: 'retry' } }, { advice: again }],
    [{ allow: false, advice: { interval: 5 } }, { advice: { ...none, interval: 5 } }],
  ] satisfies [HandshakeAnswer, Wire][])('may refuse: %j', async (answer, expected) => {
    expect(await judged(answer)).toMatchObject({
      successful: false,
      supportedConnectionTypes: everyType,
      ...expected,
    });
    expect(await judged(Promise.resolve(answer))).toMatchObject({ successful: false, ...expected });
  });

  it('may give the session a user, times and an ext', async () => {
    const answer = {
      allow: true,
      user: 'ann',
      timeout: 7,
      interval: 8,
      maxInterval: 9,
      ext: { hi: 1 },
    } as const;
    const { server, clock } = serve({ policy: { canHandshake: () => answer } });
    const conduit = exchange();
    const client = await FakeClient.open(server, conduit);
    expect(conduit.reply).toMatchObject({
      ext: { hi: 1 },
      advice: { reconnect: 'retry', interval: 8, timeout: 7 },
    });
    expect(client.session.user).toEqual({ id: 'ann', info: {} });
    expect(await server.directory.sessionsOf('ann')).toEqual([client.session.id]);
    await clock.tick(16);
    expect(client.session.state).toBe('new');
    await clock.tick(1);
    expect(client.session.state).toBe('gone');
    expect(await server.directory.sessionsOf('ann')).toEqual([]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1])('may not give it a time of %d', async (maxInterval) => {
    const logged: unknown[] = [];
    const { server, clock } = serve({
      policy: { canHandshake: () => ({ allow: true, maxInterval }) },
      log: ({ error }) => logged.push(error),
    });
    expect((await ask(server, handshake())).reply).toMatchObject({ error: '500::server_error' });
    expect([server.sessions.size, clock.pending, logged]).toEqual([
      0,
      0,
      [expect.objectContaining({ name: 'UsageError' })],
    ]);
  });

  it('may say that there is no room', async () => {
    const { server } = serve({ policy: { canHandshake: () => 'busy' as const } });
    expect((await ask(server, handshake())).ends).toEqual(['capacity']);
  });

  it('that throws is a failure of the server, with time to breathe (ADV-5)', async () => {
    const { server } = serve({
      policy: {
        canHandshake: () => {
          throw new Error('database');
        },
      },
    });
    expect((await ask(server, handshake())).reply).toMatchObject({
      error: '500::server_error',
      advice: again,
    });
  });

  it('may throw what the client is to see', async () => {
    const { server } = serve({ policy: { canHandshake: () => Promise.reject(errors.rateLimited()) } });
    expect((await ask(server, handshake())).reply).toMatchObject({
      error: '429::rate_limited',
      advice: none,
    });
  });
});

describe('a clientId (HS-8)', () => {
  it('is alphanumeric, long and never the same twice, nor the public id', async () => {
    const { server } = serve({ limits: { handshakes: 0 } });
    const seen = new Set<string>();
    for (let at = 0; at < 2000; at += 1) await ask(server, handshake());
    for (const { clientId, id } of server.sessions) {
      expect(clientId).toMatch(/^[A-Za-z0-9]{48}$/);
      expect(clientId.startsWith(id)).toBe(false);
      seen.add(clientId).add(id);
    }
    expect(seen.size).toBe(4000);
  });
});

describe('events queued during a handshake (HS-15)', () => {
  it('wait', async () => {
    const { server } = serve();
    server.on('session.opened', ({ session }) => session.deliver('/hello', 1));
    const conduit = exchange();
    const client = await FakeClient.open(server, conduit);
    expect(conduit.messages).toHaveLength(1);
    expect((await client.connect()).data).toEqual([1]);
  });

  it('follow the reply, which counts them, with handshakeDelivery', async () => {
    const { server } = serve({ handshakeDelivery: true });
    server.on('session.opened', ({ session }) => {
      session.deliver('/hello', 1);
      session.deliver('/hello', 2);
    });
    for (const conduit of [exchange(), socket()]) {
      const client = await FakeClient.open(server, conduit);
      await client.flushed();
      expect(conduit.messages).toMatchObject([
        { successful: true, 'x-messages': 2 },
        { data: 1 },
        { data: 2 },
      ]);
    }
  });

  it('are counted as far as the response carries them (HS-15)', async () => {
    const { server } = serve({ handshakeDelivery: true });
    server.on('session.opened', ({ session }) => {
      for (const data of [1, 2, 3]) session.deliver('/hello', data);
    });
    const conduit = exchange({ maxBytes: 470 });
    const client = await FakeClient.open(server, conduit);
    expect(conduit.messages).toMatchObject([{ 'x-messages': 2 }, { data: 1 }, { data: 2 }]);
    expect((await client.connect()).data).toEqual([3]);
  });

  it('are not counted when there are none', async () => {
    const { server } = serve({ handshakeDelivery: true });
    const conduit = exchange();
    await FakeClient.open(server, conduit);
    expect(conduit.reply).not.toHaveProperty('x-messages');
  });
});
