import { createClient } from '@redis/client';
import { expect, it, onTestFinished } from 'vitest';
import type { Dial } from '../../src/redis/connection/line.ts';
import { nodeRedis } from '../../src/redis/connection/node-redis.ts';
import { encodeEnvelope } from '../../src/ports/envelope.ts';
import { cutPoints, CutProxy } from '../support/cut-proxy.ts';
import { describeWithRedis } from './cluster.ts';
import { place } from './place.ts';
import { publication, TestNode } from './test-node.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

describeWithRedis(
  'RedisNode',
  (cluster) => {
    const open = (name: string, url: string = cluster().redis.url, ...patterns: string[]) =>
      TestNode.open(name, url, { namespace: namespace() }, ...patterns);
    const namespace = () => cluster().keys.prefix.slice(1, -2);

    it('delivers here before it resolves, the very object, and on the nodes that want it', async () => {
      const a = await open('a', undefined, '/x');
      const b = await open('b', undefined, '/**');
      const c = await open('c', undefined, '/y');
      const sent = publication({ some: 'data' }, '/x', { from: 's1', notToPublisher: true });
      await a.node.publish(sent);
      expect(a.delivered[0]?.event).toBe(sent.event);
      await expect.poll(() => b.got).toEqual([{ some: 'data' }]);
      expect(b.delivered[0]).toMatchObject({ from: 's1', notToPublisher: true, stored: undefined });
      expect(c.got).toEqual([]);
    });

    it('gives a durable publication its id and time, on every node', async () => {
      const a = await open('a');
      const b = await open('b', undefined, '/x');
      const durable = { retention: { maxEvents: 9 }, json: '{"channel":"/x","data":1}' };
      const stored = await a.publish(1, '/x', { durable });
      expect(stored).toEqual({ id: expect.any(Number), at: expect.any(Number) });
      await expect.poll(() => b.delivered.map((one) => one.stored)).toEqual([stored]);
    });

    it('stores a record once, and brings it to nobody', async () => {
      const a = await open('a', undefined, '/**');
      const durable = { retention: { maxEvents: 9 }, json: '{"a":"record"}' };
      const stored = await a.node.append('bWU', durable);
      await a.publish('after');
      expect(stored).toEqual({ id: expect.any(Number), at: expect.any(Number) });
      expect(a.got).toEqual(['after']);
      const key = cluster().keys.history('bWU');
      expect(await cluster().send('XLEN', key)).toBe(1);
    });

    it('leaves nothing but the data of the cluster when it is closed', async () => {
      const a = await open('a', undefined, '/x', '/y/*');
      await a.publish(1);
      await a.node.close();
      const left = await cluster().send('KEYS', `${cluster().keys.prefix.replace(/[{}]/g, '?')}*`);
      expect(left).toEqual([cluster().keys.meta]);
    });

    it.each(cutPoints.slice(1))(
      'tells what became of what is on its way when it is closed, and is cut %s',
      async (point) => {
        const proxy = await CutProxy.to(cluster().redis.port);
        const a = await open('a', proxy.url, '/x');
        const b = await open('b', undefined, '/x');
        const cut = proxy.cutAt(point, 'trapped');
        const outcome = a.outcome('trapped');
        await cut;
        const closing = a.node.close();
        expect(await a.outcome('later')).toBe('EngineUnavailable');
        await closing;
        expect([await outcome, a.got]).toEqual(['accepted', ['trapped']]);
        await expect.poll(() => b.got).toEqual(['trapped']);
      },
    );

    it('does not wait for long when it is closed while Redis is away', async () => {
      const a = await open('a', undefined, '/x');
      cluster().redis.pause();
      onTestFinished(() => cluster().redis.continue());
      const outcome = a.outcome('sent');
      await expect.poll(() => a.node.commands.state.is).toBe('away');
      const began = performance.now();
      await a.node.close();
      expect(await outcome).toBe('EngineUnavailable');
      expect(performance.now() - began).toBeLessThan(2000);
    });

    it('sends what is published in one turn in batches of 64, two on their way', async () => {
      const a = await open('a', undefined, '/x');
      await Promise.all(upTo(200).map((data) => a.publish(data)));
      expect(a.got).toEqual(upTo(200));
      const sizes = (await cluster().mailbox('a')).map((text) => text.split(' p ').length - 1);
      expect(sizes).toEqual([64, 64, 64, 8]);
      expect(a.node.pending).toBe(0);
    });

    it('sends no more than 256 KiB in a batch, but at least one publication', async () => {
      const a = await open('a', undefined, '/x');
      const large = 'x'.repeat(100_000);
      await Promise.all([large, large, large, large.repeat(4)].map((data) => a.publish(data)));
      const sizes = (await cluster().mailbox('a')).map((text) => text.split(' p ').length - 1);
      expect(sizes).toEqual([2, 1, 1]);
    });

    it.each(cutPoints)('brings everything once and in order when it is cut %s', async (point) => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await open('a', proxy.url, '/x');
      const b = await open('b', undefined, '/x');
      await a.publish(0);
      const cut = proxy.cutAt(point, 'trapped');
      const all = ['trapped', ...upTo(150)];
      await Promise.all(all.map((data) => a.publish(data)));
      await cut;
      expect(a.got).toEqual([0, ...all]);
      await expect.poll(() => b.got).toEqual([0, ...all]);
      expect([a.gaps, b.gaps]).toEqual([[], []]);
    });

    it.each(cutPoints)('carries out an interest once when it is cut %s', async (point) => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await open('a', proxy.url, '/y');
      const cut = proxy.cutAt(point, '/trapped');
      await Promise.all([a.wants('/trapped'), a.node.interest('/y', false)]);
      await cut;
      const { keys } = cluster();
      expect(await cluster().send('SMEMBERS', `${keys.prefix}ni:a`)).toEqual(['/trapped']);
      expect(await cluster().send('EXISTS', keys.interest('/y'))).toBe(0);
    });

    it('loses nothing while its reads are cut, and goes on behind its last entry', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await open('a');
      const b = await open('b', proxy.url, '/x');
      for (const data of upTo(20)) {
        await a.publish(data);
        if (data % 5 === 0) proxy.cut();
      }
      await expect.poll(() => b.got).toEqual(upTo(20));
      expect(b.gaps).toEqual([]);
      expect(b.restarts).toBe(0);
    });

    it('waits for a Redis that is stopped for a while', async () => {
      const a = await open('a', undefined, '/x');
      cluster().redis.pause();
      const outcomes = upTo(5).map((data) => a.outcome(data));
      await expect.poll(() => a.states, { timeout: 3000 }).toEqual(['open', 'away']);
      cluster().redis.continue();
      expect(await Promise.all(outcomes)).toEqual(upTo(5).map(() => 'accepted'));
      expect(a.got).toEqual(upTo(5));
    });

    it('refuses after `hold` what was surely not sent, and tells the truth of the rest', async () => {
      const limits = { hold: 600, batchCount: 1 };
      const a = await TestNode.open('a', cluster().redis.url, { namespace: namespace(), limits }, '/x');
      cluster().redis.pause();
      const outcomes = upTo(5).map((data) => a.outcome(data));
      expect(await Promise.all(outcomes.slice(2))).toEqual(Array(3).fill('EngineUnavailable'));
      cluster().redis.continue();
      const sent = await Promise.all(outcomes.slice(0, 2));
      const accepted = upTo(2).filter((data) => sent[data - 1] === 'accepted');
      await a.publish('after');
      expect(a.got).toEqual([...accepted, 'after']);
    });

    it('keeps a publication back whose request never arrived and that was refused after `hold`', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await TestNode.open('a', proxy.url, { namespace: namespace(), limits: { hold: 500 } }, '/x');
      const cut = proxy.cutAt('before the request', 'trapped');
      const outcome = a.outcome('trapped');
      await cut;
      cluster().redis.pause();
      await expect
        .poll(() => performance.now() - a.node.commands.timeout > 0 && a.states.at(-1))
        .toBe('away');
      const later = a.outcome('later');
      expect(await later).toBe('EngineUnavailable');
      cluster().redis.continue();
      expect(await outcome).toBe('EngineUnavailable');
      await a.publish('after');
      expect(a.got).toEqual(['after']);
    });

    it('refuses what is too much to wait, at once', async () => {
      const limits = { maxPending: 3 };
      const a = await TestNode.open('a', cluster().redis.url, { namespace: namespace(), limits }, '/x');
      const outcomes = await Promise.all(upTo(5).map((data) => a.outcome(data)));
      expect(outcomes).toEqual([
        'accepted',
        'accepted',
        'accepted',
        'EngineUnavailable',
        'EngineUnavailable',
      ]);
      expect(a.got).toEqual([1, 2, 3]);
    });

    it('refuses publications at once when Redis has no memory, and keeps its lease', async () => {
      const a = await open('a', undefined, '/x');
      await cluster().send('CONFIG', 'SET', 'maxmemory', '1');
      expect(await Promise.all(upTo(3).map((data) => a.outcome(data)))).toEqual(
        Array(3).fill('EngineUnavailable'),
      );
      expect((await cluster().beat('a')).isFresh).toBe(false);
      await cluster().send('CONFIG', 'SET', 'maxmemory', '0');
      await a.publish('after');
      expect(a.got).toEqual(['after']);
    });

    it('goes on after its lease was lost', async () => {
      const a = await open('a', undefined, '/x');
      await cluster().send('DEL', `${cluster().keys.prefix}n:a`);
      await Promise.all([a.publish(1), a.wants('/y'), a.publish(2)]);
      expect(a.got).toEqual([1, 2]);
      expect(a.births.size).toBe(1);
    });

    it('takes no node for dead soon after its own connection was lost, as others may not be back yet', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      await cluster().beat('dead', { leaseMs: 1 });
      const a = await TestNode.open('a', proxy.url, { namespace: namespace(), leaseMs: 2500 });
      const isDue = () => a.due.at(-1)?.includes('dead');
      await expect.poll(isDue, { timeout: 9000 }).toBe(true);
      proxy.cut();
      await expect.poll(() => a.states.slice(-2)).toEqual(['away', 'open']);
      expect(isDue()).toBe(false);
      await expect.poll(isDue, { timeout: 9000 }).toBe(true);
    }, 30_000);

    it('takes a node for dead whatever the length of its own lease', async () => {
      await cluster().beat('dead', { leaseMs: 1 });
      const a = await TestNode.open('a', cluster().redis.url, { namespace: namespace(), leaseMs: 1200 });
      await expect.poll(() => a.due.at(-1), { timeout: 9000 }).toEqual(['dead']);
    }, 20_000);

    it('publishes nothing again when others took it for dead, and tells that its mailbox is gone', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await open('a', proxy.url, '/x');
      const b = await open('b', undefined, '/x');
      const durable = { retention: { maxEvents: 9 }, json: '{}' };
      await a.publish(1, '/x', { durable });
      const { keys } = cluster();
      proxy.pause();
      await cluster().send('DEL', `${keys.prefix}n:a`);
      await b.node.sweep('a');
      await b.publish('not brought to a');
      proxy.cut();
      await expect.poll(() => a.gaps).toEqual([{ why: 'new' }]);
      await a.publish(2, '/x', { durable });
      await b.publish(3);
      await expect.poll(() => a.got).toEqual([1, 2, 3]);
      expect(b.got).toEqual([1, 'not brought to a', 2, 3]);
      expect(await cluster().send('XLEN', keys.history('/x'))).toBe(2);
    });

    it('registers anew after FLUSHALL before anything is published, and tells that something may be missing', async () => {
      const a = await open('a', undefined, '/x');
      const b = await open('b', undefined, '/x');
      a.places.push({ key: 'ann', change: () => place('/r', 'ann', 's1') });
      await a.publish(1);
      await expect.poll(() => b.got).toEqual([1]);
      await cluster().send('FLUSHALL');
      await Promise.all([a.publish(2), b.publish(3)]);
      await expect.poll(() => a.got.toSorted()).toEqual([1, 2, 3]);
      await expect.poll(() => b.got.toSorted()).toEqual([1, 2, 3]);
      expect(a.births.size).toBe(2);
      expect(a.gaps).toContainEqual({ why: 'new' });
      await expect
        .poll(() => cluster().send('HGETALL', `${cluster().keys.prefix}rs:/r`))
        .toEqual(['s1 ann', 'a']);
    });

    it('publishes again what Redis lost, a few batches at a time, so that none is late', async () => {
      let [underway, most] = [0, 0];
      const dial: Dial = async (hooks) => {
        const line = await nodeRedis(createClient({ url: cluster().redis.url }))(hooks);
        const send = (args: readonly string[]) => {
          underway += 1;
          most = Math.max(most, underway);
          return line.send(args).finally(() => {
            underway -= 1;
          });
        };
        return { send, destroy: line.destroy };
      };
      const limits = { batchCount: 1 };
      const a = await TestNode.open('a', dial, { namespace: namespace(), limits }, '/x');
      const b = await open('b', undefined, '/x');
      await Promise.all(upTo(100).map((data) => a.publish(data)));
      await expect.poll(() => b.got.length).toBe(100);
      await cluster().send('FLUSHALL');
      const c = await open('c', undefined, '/x');
      await expect.poll(() => c.got, { timeout: 15_000 }).toEqual(upTo(100));
      expect(most).toBeLessThan(10);
      expect([a.got, b.got]).toEqual([upTo(100), upTo(100)]);
    });

    it('loses nothing when Redis is killed and started again with its file', async () => {
      const a = await open('a', undefined, '/x');
      const b = await open('b', undefined, '/x');
      await a.publish(1);
      await cluster().redis.kill();
      const outcomes = [2, 3].map((data) => a.outcome(data));
      await cluster().redis.restart();
      expect(await Promise.all(outcomes)).toEqual(['accepted', 'accepted']);
      await b.publish(4);
      await expect.poll(() => a.got).toEqual([1, 2, 3, 4]);
      await expect.poll(() => b.got).toEqual([1, 2, 3, 4]);
      expect([a.gaps, b.gaps]).toEqual([[], []]);
      expect([a.restarts, b.restarts]).toEqual([1, 1]);
    });

    it('brings nothing again of a node that is gone, when Redis starts again', async () => {
      const b = await open('b', undefined, '/x');
      const dead = await cluster().node('dead');
      const envelope = encodeEnvelope({ publication: publication(1), origin: 'dead', number: 1 });
      await cluster().publish(dead, 1, { channel: '/x', envelope });
      await expect.poll(() => b.got).toEqual([1]);
      await cluster().send('DEL', `${cluster().keys.prefix}n:dead`);
      await b.node.sweep('dead');
      await cluster().redis.kill();
      await cluster().redis.restart();
      await b.publish(2);
      expect([b.got, b.gaps]).toEqual([[1, 2], []]);
    });

    it('tells how many entries were trimmed before it read them', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const a = await open('a');
      const b = await open('b', proxy.url, '/x');
      await a.publish(1);
      await expect.poll(() => b.got).toEqual([1]);
      proxy.pause();
      for (const data of [2, 3, 4]) await a.publish(data);
      await cluster().send('XTRIM', cluster().keys.mailbox('b'), 'MAXLEN', '1');
      proxy.cut();
      await expect.poll(() => b.got).toEqual([1, 4]);
      expect(b.gaps).toEqual([{ why: 'trimmed', entries: 2 }]);
      proxy.pause();
      await a.publish(5);
      await cluster().send('XTRIM', cluster().keys.mailbox('b'), 'MAXLEN', '0');
      proxy.cut();
      await expect
        .poll(() => b.gaps)
        .toEqual([
          { why: 'trimmed', entries: 2 },
          { why: 'trimmed', entries: 1 },
        ]);
    });

    it('tells of an entry in a format that it cannot read, and goes on', async () => {
      const a = await open('a', undefined, '/x');
      const other = await cluster().node('b');
      await cluster().publish(other, 1, { channel: '/x', envelope: '{"v":2,"e":{}}' });
      await a.publish('after');
      expect(a.got).toEqual(['after']);
      expect(a.gaps).toEqual([{ why: 'trimmed', entries: 1 }]);
      expect(String(a.failures[0])).toContain('cannot read');
    });
  },
  ...['--appendonly', 'yes', '--appendfsync', 'always'],
);
