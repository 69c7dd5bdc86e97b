import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { type Log, type LogEvent, Server, type ServerSettings } from '../../src/index.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

function traced(settings: ServerSettings = {}) {
  const lines: LogEvent[] = [];
  const log: Log = (event) => void (event.level === 'trace' && lines.push(event));
  return { ...serve({ trace: true, ...settings, log }), lines };
}

/** What a line says, in short: direction, session, channel and what tells messages apart. */
const short = ({ event, session, message }: LogEvent) => {
  const { channel, data, successful } = (message ?? {}) as Record<string, unknown>;
  return [event === 'message.in' ? '>' : '<', session ?? '-', channel, data ?? successful];
};

describe('trace', () => {
  it('shows each message that comes in and goes out, in order, by the public id of the session', async () => {
    const { server, lines } = traced();
    const client = await FakeClient.connected(server);
    const { id } = client.session;
    await client.subscribe('/a');
    await client.publish('/a', 1);
    expect(lines.map(short)).toEqual([
      ['>', '-', '/meta/handshake', undefined],
      ['<', id, '/meta/handshake', true],
      ['>', id, '/meta/connect', undefined],
      ['<', id, '/meta/connect', true],
      ['>', id, '/meta/subscribe', undefined],
      ['<', id, '/meta/subscribe', true],
      ['>', id, '/a', 1],
      ['<', id, '/a', 1],
      ['<', id, '/a', true],
    ]);
  });

  it('shows events where they leave, with the reply that they ride along with', async () => {
    const { server, lines } = traced();
    const wire = socket();
    const client = await FakeClient.connected(server, wire);
    await client.subscribe('/a');
    lines.length = 0;
    await server.publishAll([
      { channel: '/a', data: 1 },
      { channel: '/a', data: 2 },
    ]);
    await vi.waitFor(() => expect(lines).toHaveLength(2));
    expect(lines.map(short)).toEqual([
      ['<', client.session.id, '/a', 1],
      ['<', client.session.id, '/a', 2],
    ]);
  });

  it('shows what no extension sees: the reply that only advises, and how a conduit ends', async () => {
    const { server, clock, lines } = traced();
    const client = await FakeClient.connected(server);
    const held = exchange();
    await client.send(client.message('/meta/connect'), held);
    lines.length = 0;
    await clock.tick(30_000);
    expect(lines.map(short)).toEqual([['<', client.session.id, '/meta/connect', true]]);
    expect(lines[0]?.message).toMatchObject({ advice: { reconnect: 'retry' } });

    await client.send(client.message('/meta/connect'), exchange());
    lines.length = 0;
    await server.close();
    expect(lines).toMatchObject([
      { event: 'conduit.ended', session: client.session.id, reason: 'shutdown', transport: 'long-polling' },
    ]);
  });

  it('redacts ids, tokens and cookies at any depth, and nothing else', async () => {
    const { server, lines } = traced({ unconnectedPublish: 'allow' });
    const opened = await ask(server, handshake({ ext: { auth: { user: 'ann', password: 'pw1' } } }));
    const clientId = String(opened.reply.clientId);
    await ask(server, {
      channel: '/a',
      clientId,
      data: {
        list: [{ accessToken: 'pw2', 'X-API-Key': 'pw3', apiKey: 'pw4', note: 'kept' }],
        Authorization: 'Bearer pw5',
        cookie: 'a=pw6',
        'set-cookie': ['pw7'],
        clientSecret: { deep: 'pw8' },
        authentication: 'pw9',
        keyboard: 'kept too',
        inside: `see ${clientId}`,
      },
      ext: { token: 'pw10' },
    });
    const text = JSON.stringify(lines);
    expect(text).not.toMatch(/pw\d/);
    expect(text).not.toContain(clientId);
    expect(text).toContain('kept too');
    expect(lines[2]?.message).toMatchObject({
      channel: '/a',
      clientId: '<redacted>',
      data: { list: [{ accessToken: '<redacted>', note: 'kept' }], inside: 'see <redacted>' },
    });
  });

  it('leaves the messages themselves as they are', async () => {
    const { server } = traced();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const { token } = { token: 'x' };
    expect((await client.publish('/a', { token })).data).toEqual([{ token: 'x' }]);
  });

  it('puts nothing in the way of a server that does not trace', () => {
    const plain = new Server();
    const on = new Server({ trace: true, log: () => {} });
    expect(Object.hasOwn(on, 'receive')).toBe(true);
    for (const name of ['receive', 'join']) expect(Object.hasOwn(plain, name)).toBe(false);
  });

  it('is refused where it is no yes or no', () => {
    // @ts-expect-error what no type allows
    expect(() => new Server({ trace: 'all' })).toThrow('trace must be true or false, got "all"');
  });
});

describe('the log of a server', () => {
  it('is the console for warnings and errors where none is given', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const failed = vi.spyOn(console, 'error').mockImplementation(() => {});
    const others = (['log', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name));
    const bug = { canPublish: () => Promise.reject(new Error('bug')) };
    const { server } = serve({ policy: bug, maxSessions: 2, maxSessionsPerAddress: 2 });
    const client = await FakeClient.connected(server);
    await client.publish('/a', 1);
    await ask(server, handshake());
    await ask(server, handshake());
    expect(warned.mock.calls).toEqual([
      ['bayeuxd: session refused: "maxSessions" is 2; raise it to allow more', expect.anything()],
    ]);
    expect(failed.mock.calls[0]?.[0]).toBe('bayeuxd: policy failed: bug');
    expect(failed.mock.calls[0]?.[1]).toMatchObject({ function: 'canPublish', error: expect.any(Error) });
    for (const spy of others) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it('shows no control characters of clients on the console', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { server } = serve();
    const client = await FakeClient.connected(server);
    await client.publish('/a\u001b[31m', 1);
    expect(warned.mock.calls[0]?.[1].channel).toBe('/a\\u001b[31m');
    vi.restoreAllMocks();
  });

  it('is the console for the trace, too, where that is asked for', async () => {
    const traced = vi.spyOn(console, 'debug').mockImplementation(() => {});
    const { server } = serve({ trace: true });
    await ask(server, handshake());
    expect(traced.mock.calls.map(([line]) => line)).toEqual([
      'bayeuxd: message in: /meta/handshake',
      'bayeuxd: message out: /meta/handshake',
    ]);
    vi.restoreAllMocks();
  });

  it('may be a logger of pino', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({ level: 'trace' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const { server } = serve({
      log: logger,
      trace: true,
      policy: { canSubscribe: () => Promise.reject(new Error('bug')) },
    });
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    await client.publish('no channel', 1);
    const { warn, error, trace, debug } = logger.levels.values as Record<string, number>;
    const of = (level: number | undefined) => lines.filter((line) => line.level === level);
    expect(of(error)).toMatchObject([
      {
        event: 'policy.failed',
        msg: 'policy failed: bug',
        err: { message: 'bug', stack: expect.any(String) },
      },
    ]);
    expect(of(warn)).toMatchObject([
      { event: 'message.refused', msg: expect.stringMatching(/^message refused: /) },
    ]);
    expect(of(debug)).toMatchObject([{ event: 'session.opened' }]);
    expect(of(trace).length).toBeGreaterThan(4);
  });
});
