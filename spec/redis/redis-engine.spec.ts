import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { Redis as Redis6 } from 'ioredis-6';
import { createClient as createClient6 } from 'redis-client-6';
import { describe, expect, it, onTestFinished } from 'vitest';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { OutgoingEvent } from '../../src/ports/outgoing-event.ts';
import type { Engine, EngineState, Missed, Publication } from '../../src/ports/engine.ts';
import type { PeerQuestion } from '../../src/ports/peer-question.ts';
import { Interests } from '../../src/redis/interests.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { clusterContract, engineContract } from '../../src/testing/index.ts';
import { nodeSide, peerHandler } from '../support/node-side.ts';
import { describeWithRedis } from './cluster.ts';

/** What each client library is given to an engine as. */
const clients: Readonly<Record<string, (url: string) => RedisEngineOptions>> = {
  'a URL': (url) => ({ url }),
  'node-redis 5': (url) => ({ client: createClient({ url }) }),
  'node-redis 6': (url) => ({ client: createClient6({ url }) }),
  'ioredis 5': (url) => ({ client: new Redis(url, { lazyConnect: true }) }),
  'ioredis 6': (url) => ({ client: new Redis6(url, { lazyConnect: true }) }),
};

describeWithRedis('the engine on Redis', (cluster) => {
  for (const [name, optionsOf] of Object.entries(clients)) {
    const make = (namespace: string) => redisEngine({ ...optionsOf(cluster().redis.url), namespace });
    engineContract(name, () => make(randomUUID()), { describe, it });
    clusterContract(
      name,
      () => {
        const namespace = randomUUID();
        return [make(namespace), make(namespace)];
      },
      { describe, it },
    );
  }

  /** An engine that is open, and what it told. */
  async function open(options: Partial<RedisEngineOptions> = {}, namespace = shared()) {
    const engine = redisEngine({ url: cluster().redis.url, namespace, ...options });
    const got: Publication[] = [];
    const missed: Missed[] = [];
    const states: EngineState[] = [];
    const warnings: string[] = [];
    onTestFinished(() => engine.close());
    const deliver = (one: Publication) => void got.push(one);
    const side = nodeSide({
      deliver,
      missed: (what: Missed) => void missed.push(what),
      state: (state: EngineState) => void states.push(state),
      warn: (why: string) => void warnings.push(why),
    });
    await engine.open(side);
    return { engine, got, missed, states, warnings, data: () => got.map(({ event }) => event.message.data) };
  }

  const shared = () => cluster().keys.prefix.slice(1, -2);
  const event = (channel: string, data: unknown) => new OutgoingEvent({ channel, data });
  const settings = { retention: () => ({ maxEvents: 9, maxAge: 60_000 }), now: () => Date.now() };
  const historyOf = ({ history }: Engine) => {
    if (history === undefined) throw new Error('the engine has no history');
    return history;
  };

  it('brings an event for sessions of several nodes to each of them once, and to no other', async () => {
    const [a, b, c, d] = [await open(), await open(), await open(), await open()];
    const to = [`${b.engine.node}1`, `${c.engine.node}1`, `${b.engine.node}2`, 'short'];
    await a.engine.publish({ event: event('/x', 1), to });
    await expect.poll(() => [b.data(), c.data()]).toEqual([[1], [1]]);
    expect([a.data(), d.data()]).toEqual([[1], []]);
  });

  it('answers questions of other nodes, and says when one does not answer', async () => {
    const [a, b] = [await open(), redisEngine({ url: cluster().redis.url, namespace: shared() })];
    const asked: PeerQuestion[] = [];
    let answers = true;
    const answer = async (question: PeerQuestion) => {
      asked.push(question);
      return answers ? ['s1', { some: 'answer' }] : new Promise(() => {});
    };
    b.peers?.serve(peerHandler({ answer }));
    await b.open(nodeSide());
    onTestFinished(() => b.close());
    await expect.poll(() => a.engine.peers?.nodes, { timeout: 3000 }).toEqual([b.node]);
    const questions: PeerQuestion[] = [
      { of: 'sessionsOf', user: 'ann' },
      { of: 'members', channel: '/x' },
      { of: 'count', channel: '/x' },
      { of: 'count' },
    ];
    for (const question of questions)
      expect(await a.engine.peers?.ask(b.node, question, 500)).toEqual(['s1', { some: 'answer' }]);
    expect(asked).toEqual(questions);
    answers = false;
    await expect(a.engine.peers?.ask(b.node, { of: 'count' }, 50)).rejects.toThrow(
      'did not answer within 50 ms',
    );
    await expect(a.engine.peers?.ask('gone1234', { of: 'count' }, 5000)).rejects.toThrow('is gone');
  });

  it('stores and carries in one step, with ids that ascend over all nodes and are stamped on each', async () => {
    const [a, b] = [await open(), await open()];
    for (const { engine } of [a, b]) {
      historyOf(engine).stampWith(
        (one, { id, at }) => new OutgoingEvent({ ...one.message, ext: { id, at } }),
      );
      await historyOf(engine).open(settings);
    }
    await b.engine.interest('/d', true);
    const first = await historyOf(a.engine).record({ event: event('/d', 1) }, settings.retention());
    const second = await historyOf(b.engine).record({ event: event('/d', 2) }, settings.retention());
    const record = await historyOf(a.engine).append('bWU', '{}');
    expect([first.id < second.id, second.id < record.id, historyOf(a.engine).newest]).toEqual([
      true,
      true,
      record.id,
    ]);
    await expect
      .poll(() => b.got.map((one) => one.event.message.ext))
      .toEqual([first, second].map(({ id, at }) => ({ id, at })));
    expect(a.got[0]?.event.message.ext).toEqual({ id: first.id, at: first.at });
    expect(await historyOf(b.engine).read('/**', 0, 10)).toEqual([first, second]);
    expect(await historyOf(a.engine).last('/d', record.id, 1)).toEqual([second]);
    expect(await historyOf(a.engine).read('bWU', 0, 10)).toEqual([record]);
    expect(await historyOf(b.engine).range('/d')).toMatchObject({ oldest: first.id });
    expect(historyOf(b.engine).newest).toBe(record.id);
  });

  it('discards what is too old, and records that are too old', async () => {
    const { engine } = await open();
    const history = historyOf(engine);
    await history.open({ ...settings, retention: () => ({ maxEvents: 9, maxAge: 1 }) });
    for (const name of ['/d', 'bWU']) await history.append(name, '{}');
    const left = async () => {
      await history.expire();
      return [await history.read('/d', 0, 9), await history.read('bWU', 0, 9)];
    };
    await expect.poll(left).toEqual([[], []]);
  });

  it('reads its history when Redis is back, and gives up in time', async () => {
    const { engine } = await open({ timeout: 100 });
    const history = historyOf(engine);
    await history.open(settings);
    const stored = await history.append('/d', '{}');
    cluster().redis.pause();
    const read = history.read('/d', 0, 9);
    await expect(
      Promise.race([read, new Promise((_, reject) => setTimeout(reject, 300, 'waits'))]),
    ).rejects.toBe('waits');
    cluster().redis.continue();
    expect(await read).toEqual([stored]);
  });

  it('leaves nothing in Redis but meta and the history when the last node is closed', async () => {
    const [a, b] = [await open(), await open()];
    for (const { engine } of [a, b]) await engine.interest('/x/*', true);
    await historyOf(a.engine).record({ event: event('/x/1', 1) }, settings.retention());
    await expect.poll(b.data).toEqual([1]);
    for (const { engine } of [a, b]) await engine.close();
    const { keys } = cluster();
    const left = await cluster().send('KEYS', `${keys.prefix.replace(/[{}]/g, '?')}*`);
    expect(Array.isArray(left) ? left.toSorted() : left).toEqual(
      [keys.meta, keys.history('/x/1'), keys.historyIndex, keys.historyChannels].toSorted(),
    );
  });

  it('does not open where Redis may discard keys, and says what to set', async () => {
    await cluster().send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    onTestFinished(
      async () => void (await cluster().send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')),
    );
    await expect(open()).rejects.toThrow('set its maxmemory-policy to noeviction, it is allkeys-lru');
  });

  it('warns of settings that do not fit what is said of durability', async () => {
    const { warnings } = await open({ durability: 'restart' });
    expect(warnings).toEqual([
      expect.stringContaining('needs a Redis with appendonly yes, and this one has no'),
      expect.stringContaining('needs a Redis with appendfsync always, and this one has everysec'),
    ]);
    expect((await open()).warnings).toEqual([]);
  });

  it('opens where INFO and CONFIG are forbidden, and warns of what is not checked', async () => {
    await cluster().send(
      'ACL',
      'SETUSER',
      'plain',
      'on',
      '>pass',
      `~${cluster().keys.prefix}*`,
      '+@all',
      '-info',
      '-config',
    );
    const url = cluster().redis.url.replace('//', '//plain:pass@');
    const { warnings, engine, data } = await open({ url });
    expect(warnings).toEqual([expect.stringContaining('INFO'), expect.stringContaining('CONFIG GET')]);
    await engine.publish({ event: event('/x', 1) });
    expect(data()).toEqual([1]);
  });

  it('gives up when it is closed before Redis answers', async () => {
    const engine = redisEngine({ url: 'redis://127.0.0.1:1' });
    const states: string[] = [];
    const state = (is: EngineState, why?: string) => void states.push(`${is} ${why}`);
    const opening = engine.open(nodeSide({ state }));
    await expect.poll(() => states[0]).toContain('ECONNREFUSED');
    await engine.close();
    await expect(opening).rejects.toThrow('closed before Redis answered');
    await expect(engine.publish({ event: event('/x', 1) })).rejects.toThrow('not open');
  });
});

describe('interests', () => {
  const told: string[] = [];
  const tell = async (pattern: string, isWanted: boolean) =>
    void told.push(`${isWanted ? '+' : '-'}${pattern}`);

  it('stay in force for a while, so that a page that is loaded again changes nothing', async () => {
    const clock = new FakeClock();
    const interests = new Interests(tell, clock, 10_000);
    told.length = 0;
    await interests.add('/x');
    interests.remove('/x');
    await clock.tick(9999);
    await interests.add('/x');
    await clock.tick(10_000);
    expect([told, [...interests.patterns]]).toEqual([['+/x'], ['/x']]);
    interests.remove('/x');
    interests.remove('/x');
    await clock.tick(10_000);
    expect([told, [...interests.patterns]]).toEqual([['+/x', '-/x'], []]);
    expect(clock.pending).toBe(0);
  });

  it('are told again after a failure', async () => {
    let fails = true;
    const failing = async () => {
      if (fails) throw new Error('away');
    };
    const interests = new Interests(failing, new FakeClock(), 10_000);
    await expect(interests.add('/x')).rejects.toThrow('away');
    fails = false;
    await interests.add('/x');
    expect([...interests.patterns]).toEqual(['/x']);
  });
});

describe('the options of redisEngine', () => {
  const url = 'redis://127.0.0.1:6379';
  const given = (options: object): string => {
    try {
      redisEngine(options);
      return 'accepted';
    } catch (error) {
      return String(error);
    }
  };

  it.each([
    [{}, 'either a url or a client'],
    [{ url, client: createClient({ url }) }, 'either a url or a client'],
    [{ url: 'http://x' }, 'redis://HOST:PORT'],
    [{ url: 7 }, 'redis://HOST:PORT'],
    [{ url, namspace: 'x' }, 'did you mean "namespace"'],
    [{ url, namespace: 'a{b' }, 'without braces'],
    [{ url, durability: 'all' }, 'must be "none", "restart" or "failover"'],
    [{ url, away: 'here' }, 'away must be "wait" or "local"'],
    [{ url, timeout: '1s' }, 'timeout must be a number of milliseconds'],
    [{ url, keep: 1 }, 'at least 5000'],
    [{ url, tls: {} }, 'rediss:'],
    [{ client: {} }, 'client must be a client of @redis/client or ioredis'],
    [
      { client: new Cluster([{ host: 'x' }], { lazyConnect: true }) },
      'give one of a single node, with its options, and clusterNodes',
    ],
    [{ url, sentinels: 'redis://x' }, 'sentinels must be a list of URLs like redis://HOST:26379'],
    [{ url: 'redis://chat', sentinels: ['10.0.0.5:26379'] }, 'each of sentinels must look like redis://HOST'],
    [{ url, sentinels: ['redis://x'] }, 'the name of the master in place of HOST:PORT'],
    [{ client: createClient(), sentinels: ['redis://x'] }, 'need master'],
    [{ url: 'redis://chat', sentinels: ['redis://x'], master: 'chat' }, 'master goes with a client'],
    [{ url, master: 'chat' }, 'give sentinels too'],
    [{ url: 'redis://chat', sentinels: ['redis://x'], durability: 'restart' }, 'write "failover" or "none"'],
    [{ url, clusterNodes: ['redis://x:1'] }, 'clusterNodes must be a list of HOST:PORT'],
    [{ url: 'redis://chat', sentinels: ['redis://x'], clusterNodes: ['x:1'] }, 'exclude each other'],
  ])('refuse %# with what to write', (options, words) => {
    expect(given(options)).toContain(words);
    expect(given(options)).toContain('UsageError');
  });
});
