import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import type { ServerSettings } from '../../src/server.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { thenable } from '../support/thenable.ts';

/** What an application gave instead of the answer it was asked for, and how an error message says it. */
const noAnswers: [unknown, string][] = [
  [{ allow: false }, '{"allow":false}'],
  [{}, '{}'],
  [[], '[]'],
  ['no', '"no"'],
  ['true', '"true"'],
  [1, '1'],
  [0, '0'],
  [null, 'null'],
  [undefined, 'undefined'],
  [() => true, 'a function'],
];

const ways: [string, (value: unknown) => unknown][] = [
  ['at once', (value) => value],
  ['by a promise', (value) => Promise.resolve(value)],
  ['by a promise of another make', (value) => thenable(value)],
];

// biome-ignore lint/suspicious/noExplicitAny: what no type allows is given on purpose
const untyped = (settings: any): ServerSettings => settings;

function logging(settings: ServerSettings) {
  const said: LogEvent[] = [];
  const { server, clock } = serve({ ...settings, log: (event) => void said.push(event) });
  const failures = () => said.filter(({ event }) => event.endsWith('.failed'));
  return { server, clock, failures };
}

describe.each(ways)('a policy that answers %s', (_way, given) => {
  const failure = (name: string, channel: string, text: string) => [
    expect.objectContaining({
      level: 'error',
      event: 'policy.failed',
      function: name,
      channel,
      error: expect.objectContaining({ message: expect.stringContaining(`${name} returned ${text}: `) }),
    }),
  ];

  it.each(noAnswers)(
    'with %j to canPublish allows nothing, and the log says what it was',
    async (answer, text) => {
      const policy = { canPublish: () => given(answer) };
      const { server, failures } = logging(untyped({ policy }));
      const heard: unknown[] = [];
      server.subscribe('/**', (message) => heard.push(message));
      const client = await FakeClient.open(server);
      expect((await client.publish('/a', 1)).reply).toMatchObject({ error: '500::server_error' });
      expect([heard, failures()]).toEqual([[], failure('canPublish', '/a', text)]);
    },
  );

  it.each(noAnswers)('with %j to canSubscribe allows nothing', async (answer, text) => {
    const policy = { canSubscribe: () => given(answer) };
    const { server, failures } = logging(untyped({ policy }));
    const client = await FakeClient.open(server);
    expect((await client.subscribe('/a')).reply).toMatchObject({ error: '500::server_error' });
    expect([client.session.subscriptions.size, failures()]).toEqual([0, failure('canSubscribe', '/a', text)]);
  });

  it.each(noAnswers)('with %j to unconnectedPublish allows nothing', async (answer, text) => {
    const { server, failures } = logging(untyped({ unconnectedPublish: () => given(answer) }));
    const { reply } = await ask(server, { channel: '/a', data: 1 });
    expect(reply).toMatchObject({ error: '500::server_error' });
    expect(failures()).toEqual(failure('unconnectedPublish', '/a', text));
  });

  it.each([
    ...noAnswers.filter(([, text]) => text !== '{"allow":false}'),
    [{ allow: 'no' }, '{"allow":"no"}'],
    [{ allow: 1 }, '{"allow":1}'],
    [{ allow: true, user: 7 }, '{"allow":true,"user":7}'],
    [{ allow: true, user: {} }, '{"allow":true,"user":{}}'],
    [{ allow: true, user: { id: 'a', info: 1 } }, '{"allow":true,"user":{"id":"a","info":1}}'],
    ['Busy', '"Busy"'],
  ] as [unknown, string][])('with %j to canHandshake lets nobody in', async (answer, text) => {
    const policy = { canHandshake: () => given(answer) };
    const { server, failures } = logging(untyped({ policy }));
    const { reply } = await ask(server, handshake());
    expect(reply).toMatchObject({
      error: '500::server_error',
      advice: { reconnect: 'handshake', interval: 1000 },
    });
    expect([server.sessions.size, failures()]).toEqual([0, failure('canHandshake', '/meta/handshake', text)]);
  });
});

describe('queueOverflow', () => {
  it.each([
    ['dropoldest', '"dropoldest"'],
    [true, 'true'],
    [undefined, 'undefined'],
    [Promise.resolve('dropNewest'), 'a promise'],
  ])('that answers with %j costs the session, and the log says why', async (answer, text) => {
    const { server, failures } = logging(untyped({ maxQueue: 1, queueOverflow: () => answer }));
    const reasons: string[] = [];
    server.on('session.closed', ({ reason }) => reasons.push(reason));
    const client = await FakeClient.connected(server);
    client.session.deliver('/a', 1);
    client.session.deliver('/a', 2);
    expect(reasons).toEqual(['overflow']);
    expect(failures()).toEqual([
      expect.objectContaining({
        event: 'overflow.failed',
        session: client.session.id,
        error: expect.objectContaining({
          message: `queueOverflow returned ${text}: it must return "disconnect", "dropOldest" or "dropNewest", at once`,
        }),
      }),
    ]);
  });
});

describe('an extension', () => {
  const never = () => new Promise<never>(() => {});

  it.each(['incoming', 'publishing', 'outgoing'])(
    'whose %s never answers fails that message when hookTimeout is over, and the log names it',
    async (hook) => {
      let isOn = false;
      const stuck = <T>(message: T): T | Promise<never> => (isOn ? never() : message);
      const { server, clock, failures } = logging({
        hookTimeout: 100,
        extensions: [{ name: 'stuck', [hook]: stuck }],
      });
      const client = await FakeClient.open(server);
      const { pending } = clock;
      isOn = true;
      const asked = client.publish('/a', 1);
      await clock.tick(99);
      expect(failures()).toEqual([]);
      await clock.tick(1);
      isOn = false;
      expect((await asked).reply).toMatchObject({ successful: false, error: '500::server_error' });
      expect(failures()).toEqual([
        expect.objectContaining({
          event: 'extension.failed',
          extension: 'stuck',
          hook,
          error: expect.objectContaining({ message: `${hook} did not answer within 100 ms (hookTimeout)` }),
        }),
      ]);
      expect((await client.publish('/a', 2)).reply).toMatchObject({ successful: true });
      expect(clock.pending).toBe(pending);
    },
  );

  it('whose outgoing never answers a held connect has it fail, and the session goes on', async () => {
    let isOn = false;
    const stuck = <T>(message: T): T | Promise<never> => (isOn ? never() : message);
    const { server, clock } = logging({ hookTimeout: 100, extensions: [{ name: 'stuck', outgoing: stuck }] });
    const client = await FakeClient.connected(server);
    const held = await client.connect();
    isOn = true;
    await clock.tick(30_000);
    isOn = false;
    await clock.tick(100);
    expect(held.reply).toMatchObject({ channel: '/meta/connect', error: '500::server_error' });
    expect((await client.connect({ advice: { timeout: 0 } })).reply).toMatchObject({ successful: true });
  });

  it('that answers at once, or in time, costs no timer', async () => {
    const { server, clock } = logging({
      extensions: [
        { name: 'prompt', incoming: (request) => request, outgoing: (reply) => Promise.resolve(reply) },
      ],
    });
    const client = await FakeClient.open(server);
    await client.publish('/a', 1);
    await client.disconnect();
    expect(clock.pending).toBe(0);
  });

  it.each(['incoming', 'publishing', 'outgoing'])('whose %s returns no message fails it', async (hook) => {
    let isOn = false;
    const wrong = (message: unknown): unknown => (isOn ? true : message);
    const { server, failures } = logging(untyped({ extensions: [{ name: 'wrong', [hook]: wrong }] }));
    const client = await FakeClient.open(server);
    isOn = true;
    expect((await client.publish('/a', 1)).reply).toMatchObject({ error: '500::server_error' });
    expect(failures()).toMatchObject([
      {
        error: {
          message: `${hook} of the extension "wrong" returned true: it must return a message, or undefined to delete it`,
        },
      },
    ]);
  });

  it.each(['delivering', 'toApplication', 'fromApplication'])(
    'whose %s returns a promise is told of, since nobody can wait for it',
    async (hook) => {
      const late = async (message: unknown): Promise<unknown> => message;
      const { server, failures } = logging(untyped({ extensions: [{ name: 'late', [hook]: late }] }));
      const heard: unknown[] = [];
      server.subscribe('/a', ({ data }) => heard.push(data));
      const client = await FakeClient.connected(server);
      await client.subscribe('/b');
      await server.publish('/b', 1);
      const published = await client.publish('/a', 2);
      expect(failures()).toMatchObject([
        { extension: 'late', hook, error: { message: `${hook} returned a promise: it must answer at once` } },
      ]);
      // What would have been kept from somebody stays kept from them.
      expect(published.events.map(({ data }) => data)).toEqual(hook === 'delivering' ? [] : [1]);
      expect(heard).toEqual(hook === 'toApplication' ? [] : [2]);
    },
  );
});
