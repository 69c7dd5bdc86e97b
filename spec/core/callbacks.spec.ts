import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { MemoryHistory } from '../../src/features/history/memory-history.ts';
import type { Server, ServerSettings } from '../../src/server.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange } from '../support/fake-conduit.ts';
import { settle } from '../support/until.ts';

const bug = new Error('bug');

/** What goes wrong in a callback of an application. */
// biome-ignore lint/suspicious/noExplicitAny: it stands where any callback may
type Bad = () => any;

const ways: Record<string, Bad> = {
  throws: () => {
    throw bug;
  },
  rejects: () => Promise.reject(bug),
  'answers with a thenable that rejects': () => ({
    // biome-ignore lint/suspicious/noThenProperty: that is what it is for.
    then: (_done: unknown, failed: (error: unknown) => void) => void setImmediate(failed, bug),
  }),
};

/** A callback, how it is handed to a server, and what the log says when it fails. */
interface Place {
  readonly settings?: (bad: Bad) => ServerSettings;
  readonly install?: (server: Server, bad: Bad) => void;
  readonly logged: Partial<LogEvent>;
}

const listener = (name: Parameters<Server['on']>[0]): Place => ({
  install: (server, bad) => void server.on(name, bad),
  logged: { event: 'listener.failed', name },
});

const hook = (name: keyof Extension): Place => ({
  settings: (bad) => ({ extensions: [{ name: 'buggy', [name]: bad }] }),
  logged: { event: 'extension.failed', extension: 'buggy', hook: name },
});

const policy = (name: string): Place => ({
  settings: (bad) => ({ policy: { [name]: bad } }),
  logged: { event: 'policy.failed', function: name },
});

const engine = (name: 'publish' | 'interest' | 'close', event: string): Place => ({
  settings: (bad) => {
    const made = new MemoryEngine();
    made[name] = bad;
    return { engine: made };
  },
  logged: { event },
});

const history = (name: 'append' | 'read' | 'expire' | 'close', event: string): Place => ({
  settings: (bad) => {
    const made = new MemoryHistory();
    made[name] = bad;
    return { history: made };
  },
  logged: { event },
});

const places: Record<string, Place> = {
  "a listener of 'session.opened'": listener('session.opened'),
  "a listener of 'session.closed'": listener('session.closed'),
  "a listener of 'channel.subscribed'": listener('channel.subscribed'),
  "a listener of 'channel.unsubscribed'": listener('channel.unsubscribed'),
  "a listener of 'published'": listener('published'),
  "a listener of 'overflow'": listener('overflow'),
  'session.on': {
    install: (server, bad) =>
      void server.on('session.opened', ({ session }) => {
        session.on('subscribed', bad);
        session.on('unsubscribed', bad);
        session.on('closed', bad);
      }),
    logged: { event: 'listener.failed', name: 'subscribed' },
  },
  'server.subscribe': {
    install: (server, bad) => void server.subscribe('/a', bad),
    logged: { event: 'listener.failed', name: '/a' },
  },
  'server.onCall': {
    install: (server, bad) => void server.onCall('/service/x', bad),
    logged: { event: 'call.failed', channel: '/service/x' },
  },
  'a listener of an in-process session': {
    install: (server, bad) =>
      void server.localSession().then((session) => session.subscribe('/a', bad), expect.unreachable),
    logged: { event: 'listener.failed', name: '/a' },
  },
  opened: hook('opened'),
  incoming: hook('incoming'),
  publishing: hook('publishing'),
  outgoing: hook('outgoing'),
  delivering: hook('delivering'),
  toApplication: hook('toApplication'),
  fromApplication: hook('fromApplication'),
  queueOverflow: {
    settings: (bad) => ({ queueOverflow: bad }),
    logged: { event: 'overflow.failed' },
  },
  canHandshake: policy('canHandshake'),
  canSubscribe: policy('canSubscribe'),
  canPublish: policy('canPublish'),
  unconnectedPublish: {
    settings: (bad) => ({ unconnectedPublish: bad }),
    logged: { event: 'policy.failed', function: 'unconnectedPublish' },
  },
  'engine.publish': engine('publish', 'request.failed'),
  'engine.interest': engine('interest', 'engine.interest_failed'),
  'engine.close': engine('close', 'engine.failed'),
  'history.append': history('append', 'request.failed'),
  'history.read': history('read', 'replay.failed'),
  'history.expire': history('expire', 'history.expire_failed'),
  'history.close': history('close', 'history.failed'),
};

/** All that calls any of them: a session comes, subscribes, publishes, calls, is sent too much, and goes. */
async function walk(server: Server, tick: (ms: number) => Promise<void>): Promise<void> {
  server.subscribe('/a', () => {});
  await settle();
  await exchangeOf(server, { channel: '/a', data: 0 });
  await server.publish('/a', 0).catch(() => {});
  const client = await FakeClient.open(server).catch(() => undefined);
  if (client !== undefined) await say(client, server);
  await tick(120_000);
  await server.close();
}

async function say(client: FakeClient, server: Server): Promise<void> {
  await client.connect();
  await client.send(client.message('/meta/subscribe', { subscription: '/a', ext: { replay: { '/a': -2 } } }));
  await settle();
  await client.publish('/a', 1);
  await server.publish('/a', 2).catch(() => {});
  await client.publish('/service/x', 3);
  for (const data of [4, 5, 6]) client.session.deliver('/a', data);
  await settle();
  await client.unsubscribe('/a');
  await client.disconnect();
}

async function exchangeOf(server: Server, message: object): Promise<void> {
  await server.receive(server.decode(JSON.stringify([message])), exchange());
}

describe.each(Object.keys(ways))('a callback of an application that %s (PR-8)', (way) => {
  const bad = ways[way] ?? expect.unreachable();
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(() => void process.off('unhandledRejection', note));

  it.each(Object.keys(places))('%s is logged by name, and ends nothing', async (place) => {
    const { settings, install, logged } = places[place] ?? expect.unreachable();
    const said: LogEvent[] = [];
    const { server, clock } = serve({
      log: (event) => void said.push(event),
      maxQueue: 2,
      queueOverflow: 'dropOldest',
      channels: { '/a': { history: true } },
      ...settings?.(bad),
    });
    install?.(server, bad);
    await walk(server, (ms) => clock.tick(ms));
    await settle();
    expect(unhandled).toEqual([]);
    expect(said).toContainEqual(expect.objectContaining({ ...logged, error: expect.anything() }));
    expect([server.state, server.usage.sessions, clock.pending]).toEqual(['closed', 0, 0]);
  });

  it('the log itself harms nobody, and a warning tells of it once', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const { server, clock } = serve({ log: bad });
    server.on('session.opened', bad);
    await walk(server, (ms) => clock.tick(ms));
    await settle();
    process.off('warning', warned);
    expect(unhandled).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'bayeuxd: the log function failed, and its log event is lost: Error: bug',
    ]);
    expect([server.state, server.usage.sessions]).toEqual(['closed', 0]);
  });

  it.each(['engine', 'history'])('open of the %s makes server.open reject', async (part) => {
    const said: LogEvent[] = [];
    const made = part === 'engine' ? new MemoryEngine() : new MemoryHistory();
    made.open = bad;
    const { server } = serve({
      log: (event) => void said.push(event),
      channels: { '/a': { history: true } },
      [part]: made,
    });
    await expect(server.open()).rejects.toBe(bug);
    await server.close();
    await settle();
    expect(unhandled).toEqual([]);
    expect(said).toContainEqual({ level: 'error', event: `${part}.failed`, error: bug });
  });
});

describe('during server.close', () => {
  it('a publish is quietly nothing, whoever makes it', async () => {
    const { server } = serve();
    const told: unknown[] = [];
    const bot = await server.localSession();
    for (let at = 0; at < 3; at += 1) await FakeClient.connected(server);
    server.on('session.closed', async ({ reason }) => {
      told.push(await server.publish('/online', server.sessions.size));
      told.push(await bot.publish('/online', server.sessions.size));
      told.push(reason);
    });
    await server.close();
    await settle();
    expect(told.filter((one) => one === 'shutdown')).toHaveLength(4);
    // The server says for how many sessions its event was queued, an in-process session does not.
    expect(told.filter((one) => one === undefined)).toHaveLength(4);
    expect(told.filter((one) => typeof one === 'object')).toEqual(new Array(4).fill({ sessions: 0 }));
    await expect(server.publish('/online', 0)).rejects.toMatchObject({ name: 'UsageError' });
  });
});
