import { expect, it, onTestFinished } from 'vitest';
import type { HeardEvent, Policy } from '../../src/index.ts';
import { redisEngine, type RedisEngineOptions } from '../../src/redis/redis-engine.ts';
import { close } from '../interop/columns.ts';
import type { Driver } from '../interop/driver.ts';
import { type Hosting, host } from '../interop/host.ts';
import { openCometd, openFaye } from '../interop/node-clients.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { describeWithRedis } from './cluster.ts';

const patience = { timeout: 10_000, interval: 20 };
const policy: Policy = {
  canHandshake: ({ message }) =>
    typeof message.ext?.user === 'string' ? ({ allow: true, user: message.ext.user } as const) : true,
};

describeWithRedis(
  'three servers on one Redis',
  (cluster) => {
    const namespace = () => cluster().keys.prefix.slice(1, -2);

    async function node(options: Partial<RedisEngineOptions> = {}): Promise<Hosting> {
      const engine = redisEngine({
        url: cluster().redis.url,
        namespace: namespace(),
        durability: 'restart',
        timeout: 300,
        ...options,
      });
      const made = await host({
        engine,
        policy,
        channels: { '/d/**': { history: true } },
        maxSessionsPerBrowser: -1,
        log: () => {},
      });
      await made.server.open();
      return made;
    }

    async function nodes(): Promise<[Hosting, Hosting, Hosting]> {
      return [await node(), await node(), await node()];
    }

    /** What a session in a server hears of a channel. */
    async function hears({ server }: Hosting, pattern: string, after?: number): Promise<HeardEvent[]> {
      const heard: HeardEvent[] = [];
      const session = await server.localSession();
      await session.subscribe(pattern, (event) => void heard.push(event), after);
      return heard;
    }

    const dataOf = (heard: readonly { readonly data: unknown }[]): unknown[] => heard.map(({ data }) => data);

    async function connected(client: Driver): Promise<Driver> {
      onTestFinished(() => close(client));
      await client.open();
      return client;
    }

    /** Sends a batch to a server, as a client of long-polling does. */
    async function ask({ url }: Hosting, ...messages: object[]): Promise<Record<string, unknown>[]> {
      const body = JSON.stringify(messages);
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'Content-Type': 'application/json' },
      });
      return JSON.parse(await response.text());
    }

    /** Publishes on all servers until it is told to stop. Gives the data of what was accepted. */
    function keepPublishing(hosts: readonly Hosting[], channel: string) {
      const accepted = new Set<string>();
      let goesOn = true;
      const publishing = hosts.map(async ({ server }, place) => {
        for (let count = 0; goesOn; count += 1) {
          const data = `${place}-${count}`;
          await server.publish(channel, data).then(
            () => accepted.add(data),
            () => {},
          );
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      return {
        accepted,
        stop: async () => {
          goesOn = false;
          await Promise.all(publishing);
        },
      };
    }

    it('bring the events of all to stock clients, once and in one order', async () => {
      const [a, b, c] = await nodes();
      const clients = await Promise.all(
        [
          openCometd('9.0.0', a.url, 'websocket'),
          openCometd('8.0.11', b.url, 'long-polling'),
          openFaye(c.url, 'websocket'),
          openFaye(a.url, 'long-polling'),
        ].map(connected),
      );
      for (const client of clients) await client.subscribe('/chat/*');
      const publishing = clients.map(async (client, place) => {
        for (let count = 0; count < 20; count += 1) await client.publish('/chat/room', `${place}-${count}`);
      });
      for (let count = 0; count < 20; count += 1) await b.server.publish('/chat/other', `server-${count}`);
      await Promise.all(publishing);
      for (const client of clients)
        await expect.poll(async () => (await client.heard()).length, patience).toBe(100);
      const all = await Promise.all(clients.map(async (client) => dataOf(await client.heard())));
      expect(new Set(all[0]).size).toBe(100);
      for (const one of all) expect(one).toEqual(all[0]);
    });

    it('have one history: ids ascend, and each server reads it and says that nothing is missing', async () => {
      const [a, b, c] = await nodes();
      const ids: number[] = [];
      for (const [at, { server }] of [a, b, a, c].entries()) {
        const { id } = await server.publish('/d/x', at);
        ids.push(id ?? 0);
      }
      expect(ids).toEqual(ids.toSorted((one, other) => one - other));
      expect(new Set(ids).size).toBe(4);
      const page = await b.server.history('/d/x', { after: ids[0] });
      expect([page?.recovered, page?.events.map(({ id }) => id)]).toEqual([true, ids.slice(1)]);
      expect((await c.server.history('/d/*', { last: 2 }))?.events.map(({ data }) => data)).toEqual([2, 3]);
      const heard = await hears(c, '/d/x', ids[1]);
      await b.server.publish('/d/x', 'live');
      await expect.poll(() => dataOf(heard), patience).toEqual([2, 3, 'live']);
    });

    it('find the sessions of a user on all, and count together', async () => {
      const [a, b, c] = await nodes();
      const heard: unknown[] = [];
      for (const { server } of [a, b]) {
        const session = await server.localSession({ user: 'ann' });
        await session.subscribe('/news', () => {});
        await session.subscribe('/private', ({ data }) => void heard.push(data));
      }
      await expect
        .poll(() => c.server.directory.count('/news'), patience)
        .toEqual({ value: 2, complete: true });
      expect(await c.server.user('ann').sessions()).toHaveLength(2);
      expect(await c.server.user('ann').deliver('/private', 'hello')).toEqual({ sessions: 2 });
      await expect.poll(() => heard, patience).toEqual(['hello', 'hello']);
    });

    it('lose nothing while one is cut off, and while Redis stops, is killed and starts again', async () => {
      const proxy = await CutProxy.to(cluster().redis.port);
      const hosts = [await node(), await node({ url: proxy.url }), await node()];
      const heard = await Promise.all(hosts.map((one) => hears(one, '/busy')));
      const { accepted, stop } = keepPublishing(hosts, '/busy');
      const more = async () => {
        const before = accepted.size;
        await expect.poll(() => accepted.size, patience).toBeGreaterThan(before + 100);
      };
      await more();
      proxy.cut();
      await more();
      cluster().redis.pause();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      cluster().redis.continue();
      await more();
      await cluster().redis.kill();
      await cluster().redis.restart();
      await more();
      await stop();
      for (const one of heard) await expect.poll(() => one.length, patience).toBe(accepted.size);
      const all = heard.map(dataOf);
      expect(new Set(all[0])).toEqual(accepted);
      for (const one of all) expect(one).toEqual(all[0]);
    });

    it('tell of a gap when all data is lost, go on, and issue no id again', async () => {
      const [a, b] = await nodes();
      const { id: before = 0 } = await a.server.publish('/d/x', 'lost');
      const [welcome] = await ask(b, {
        channel: '/meta/handshake',
        version: '1.0',
        supportedConnectionTypes: ['long-polling'],
      });
      const clientId = welcome?.clientId;
      await ask(b, { channel: '/meta/subscribe', clientId, subscription: '/d/x' });
      await cluster().send('FLUSHALL');
      const connect = { channel: '/meta/connect', clientId, connectionType: 'long-polling' };
      const told = async () => (await ask(b, { ...connect, advice: { timeout: 0 } })).map(({ ext }) => ext);
      const publish = () => a.server.publish('/d/x', 'new').then(({ id }) => id ?? 0);
      await expect.poll(publish, patience).toBeGreaterThan(before);
      await expect.poll(told, patience).toContainEqual({ gap: { '/**': {} } });
      const page = await b.server.history('/d/x', { after: before });
      expect(page?.recovered).toBe(false);
      expect(page?.events.every(({ id }) => id > before)).toBe(true);
    });

    it('count earlier positions as possibly missing when a Redis that may lose events was restarted', async () => {
      const a = await node({ durability: 'none' });
      const { id: before = 0 } = await a.server.publish('/d/x', 'before');
      await cluster().redis.kill();
      await cluster().redis.restart();
      const { id: after = 0 } = await a.server.publish('/d/x', 'after');
      expect(after).toBeGreaterThan(before + 1);
      expect(await a.server.history('/d/x', { after: before })).toMatchObject({
        recovered: false,
        events: [{ id: after }],
      });
      expect((await a.server.history('/d/x', { after }))?.recovered).toBe(true);
    });

    it('answer 503 when Redis stays away, are not ready, and go on when it is back', async () => {
      const engine = redisEngine({ url: cluster().redis.url, namespace: namespace(), timeout: 200 });
      const { server } = await host({ engine, engineTimeout: 500, log: () => {} });
      await server.open();
      expect(server.readiness).toEqual({ ready: true });
      cluster().redis.pause();
      onTestFinished(() => cluster().redis.continue());
      await expect(server.publish('/x', 1)).rejects.toMatchObject({ code: 'engine_unavailable' });
      await expect.poll(() => server.readiness, patience).toMatchObject({ ready: false, reason: 'away' });
      cluster().redis.continue();
      await expect.poll(() => server.readiness, patience).toEqual({ ready: true });
      await server.publish('/x', 2);
    });

    it('leave nothing in Redis but meta and the history', async () => {
      const hosts = await nodes();
      for (const one of hosts) await hears(one, '/d/**');
      await hosts[0].server.publish('/d/x', 1);
      for (const { server } of hosts) await server.close();
      const { keys } = cluster();
      const left = await cluster().send('KEYS', `${keys.prefix.replace(/[{}]/g, '?')}*`);
      expect(Array.isArray(left) ? left.toSorted() : left).toEqual(
        [keys.meta, keys.history('/d/x'), keys.historyIndex, keys.historyChannels].toSorted(),
      );
    });
  },
  ...['--appendonly', 'yes', '--appendfsync', 'always'],
);
