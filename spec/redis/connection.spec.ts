import { describe, expect, it, onTestFinished } from 'vitest';
import type { RedisConnection } from '../../src/redis/connection/redis-connection.ts';
import { RedisError } from '../../src/redis/connection/redis-error.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { CutProxy, cutPoints } from '../support/cut-proxy.ts';
import { redisIsMissing, RedisServer } from '../support/redis-server.ts';
import { connectTo } from './connect.ts';
import { libraries } from './libraries.ts';

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (reply) => new Error(`it was answered with ${reply}`),
    (error: unknown) => error,
  );

/** Enough for a Redis to be asked while it loads. */
async function fill(connection: RedisConnection): Promise<void> {
  const keys = Array.from({ length: 5000 }, (_, at) => `key${at}`);
  await Promise.all(keys.map((key) => connection.send(['SET', key, 'value'], 9000)));
}

const rows = Object.entries(libraries).map(([name, dial]) => ({ name, dial }));

describe.skipIf(redisIsMissing)(`RedisConnection${redisIsMissing ? `: ${redisIsMissing}` : ''}`, async () => {
  if (redisIsMissing) return;
  const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
  const proxy = await CutProxy.to(redis.port);
  // Loads a command in 0.2 ms, and answers other clients after each 1024.
  const slowToLoad = await RedisServer.start(
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--key-load-delay', '200'],
  );

  describe.each(rows)('with $name', ({ dial }) => {
    it('answers with plain lists, texts and numbers', async () => {
      const connection = await connectTo(dial(redis.url));
      await connection.send(['DEL', 'stream']);
      await connection.send(['XADD', 'stream', '1-0', 'k', 'v✓']);
      expect(await connection.send(['XREAD', 'STREAMS', 'stream', '0'])).toEqual([
        ['stream', [['1-0', ['k', 'v✓']]]],
      ]);
      expect(await connection.send(['XREAD', 'STREAMS', 'stream', '$'])).toBeNull();
      expect(await connection.send(['INCR', `count-${Math.random()}`])).toBe(1);
      expect(await connection.send(['HGETALL', 'nothing'])).toEqual([]);
    });

    it('tells which error Redis answered, and goes on', async () => {
      const connection = await connectTo(dial(redis.url));
      const error = await failureOf(connection.send(['EVALSHA', 'f'.repeat(40), '0']));
      expect(error).toMatchObject({ name: 'RedisError', outcome: 'refused', word: 'NOSCRIPT' });
      expect(await connection.send(['PING'])).toBe('PONG');
      expect(connection.state.is).toBe('open');
    });

    it.each(cutPoints)('sends nothing twice when it is cut %s, and connects again', async (point) => {
      const connection = await connectTo(dial(proxy.url), { random: () => 0 });
      await connection.send(['DEL', 'list']);
      const cut = proxy.cutAt(point, 'trapped-value');
      const error = await failureOf(connection.send(['RPUSH', 'list', 'trapped-value']));
      await cut;
      expect(error).toBeInstanceOf(RedisError);
      expect(error).toMatchObject({ outcome: 'unknown' });
      await connection.whenOpen();
      const done = point === 'before the request' ? [] : ['trapped-value'];
      expect(await connection.send(['LRANGE', 'list', '0', '-1'])).toEqual(done);
    });

    it('answers everything that waits when it is cut, and refuses what comes then', async () => {
      const connection = await connectTo(dial(proxy.url), { random: () => 0 });
      const waiting = ['a', 'b', 'c'].map((key) => failureOf(connection.send(['BLPOP', key, '0'], 5000)));
      proxy.cut();
      for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ outcome: 'unknown' });
      expect(connection.state.is).toBe('away');
      expect(await failureOf(connection.send(['PING']))).toMatchObject({ outcome: 'unsent' });
      await connection.whenOpen();
      expect(await connection.send(['PING'])).toBe('PONG');
    });

    it('gives up in time on a Redis that is stopped, and is back when Redis is', async () => {
      const connection = await connectTo(dial(redis.url), { timeout: 300, random: () => 0 });
      onTestFinished(() => redis.continue());
      redis.pause();
      const before = performance.now();
      const error = await failureOf(connection.send(['INCR', 'stopped']));
      expect(error).toMatchObject({ outcome: 'unknown', message: 'Redis did not answer INCR within 300 ms' });
      expect(performance.now() - before).toBeLessThan(1500);
      // Opening a line is given up in time too.
      await expect
        .poll(() => connection.state, { timeout: 3000 })
        .toMatchObject({ reason: { message: 'no connection to Redis within 300 ms' } });
      redis.continue();
      await connection.whenOpen();
      expect(await connection.send(['PING'])).toBe('PONG');
    });

    it('says a new run id after a restart, where what was answered is there', async () => {
      const connection = await connectTo(dial(redis.url), { random: () => 0 });
      const first = connection.state;
      await connection.send(['SET', 'kept', 'yes']);
      await redis.kill();
      await expect.poll(() => connection.state.is).toBe('away');
      await redis.restart();
      await connection.whenOpen();
      const second = connection.state;
      expect(second).toMatchObject({ is: 'open', runId: expect.stringMatching(/^[0-9a-f]{40}$/) });
      expect(second).not.toEqual(first);
      expect(await connection.send(['GET', 'kept'])).toBe('yes');
    });

    it('leaves no connection and no timer when it is closed', async () => {
      const own = await CutProxy.to(redis.port);
      const clock = new FakeClock();
      const connection = await connectTo(dial(own.url), { clock });
      connection.close();
      expect(clock.pending).toBe(0);
      await expect.poll(() => own.size).toBe(0);
    });

    it('waits while Redis loads its data', async () => {
      const slow = slowToLoad;
      const connection = await connectTo(dial(slow.url), { timeout: 5000, random: () => 0 });
      if ((await connection.send(['DBSIZE'])) === 0) await fill(connection);
      const reasons: string[] = [];
      connection.onState((state) => state.is === 'away' && reasons.push(state.reason.message));
      await slow.kill();
      await expect.poll(() => connection.state.is).toBe('away');
      await slow.restart('Server initialized');
      await connection.whenOpen();
      expect(reasons).toContainEqual(expect.stringMatching(/^LOADING/));
      expect(await connection.send(['GET', 'key4999'])).toBe('value');
    });

    it('tells that Redis has no memory, and goes on', async () => {
      const connection = await connectTo(dial(redis.url));
      await connection.send(['CONFIG', 'SET', 'maxmemory', '1']);
      const error = await failureOf(connection.send(['SET', 'large', 'x']));
      await connection.send(['CONFIG', 'SET', 'maxmemory', '0']);
      expect(error).toMatchObject({ outcome: 'refused', word: 'OOM' });
      expect(connection.state.is).toBe('open');
    });

    it('tells that a command is forbidden, and goes on; INFO may be forbidden too', async () => {
      const admin = await connectTo(dial(redis.url));
      await admin.send(['ACL', 'SETUSER', 'poor', 'on', '>pass', '~*', '+ping', '+get', '+client', '+hello']);
      const connection = await connectTo(dial(redis.url.replace('//', '//poor:pass@')));
      expect(connection.state).toEqual({ is: 'open', runId: undefined });
      const error = await failureOf(connection.send(['SET', 'x', '1']));
      expect(error).toMatchObject({ outcome: 'refused', word: 'NOPERM' });
      expect(await connection.send(['GET', 'nothing'])).toBeNull();
    });

    it('ends with everything that waits when it is closed', async () => {
      const connection = await connectTo(dial(redis.url));
      const waiting = failureOf(connection.send(['BLPOP', 'nothing', '0'], 5000));
      connection.close();
      expect(await waiting).toMatchObject({ outcome: 'unknown' });
      expect(await failureOf(connection.send(['PING']))).toMatchObject({ outcome: 'unsent' });
      await expect(connection.whenOpen()).rejects.toThrow('the connection to Redis is closed');
    });
  });
});
