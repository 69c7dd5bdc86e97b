import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { linkAddress } from '../../src/cluster/address.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import type { ServingNode } from '../support/cluster.ts';
import { start } from '../support/start.ts';
import { describeWithRedis } from './cluster.ts';
import { monitored } from './monitored.ts';
import { pipedNode, redisNode, SECRET } from './redis-nodes.ts';

const pem = (name: string) => readFileSync(fileURLToPath(new URL(`../cli/tls/${name}.pem`, import.meta.url)));
const patience = { timeout: 10_000, interval: 20 };
const namesOf = (nodes: readonly ServingNode[]) => nodes.map(({ server }) => server.node);
const publish = (clientId: string, data: unknown = 1) => ({ channel: '/a', clientId, data });

describeWithRedis('links of nodes on one Redis', (cluster) => {
  const on = () => ({ url: cluster().redis.url, namespace: cluster().keys.prefix.slice(1, -2) });

  it('are there when a server is open, and its lease says where to reach it', async () => {
    const [a, b] = [await redisNode(on()), await redisNode(on())];
    expect(b.logged.map(({ event }) => event)).toContain('link.opened');
    const lease = JSON.parse(
      String(await cluster().send('GET', `${cluster().keys.prefix}n:${b.server.node}`)),
    );
    expect(linkAddress(lease.link)).toMatchObject({ host: '127.0.0.1' });
    expect(JSON.stringify(lease)).not.toContain(SECRET);
    const clientId = await shakeHands(b.url);
    // At once: the first node need not have heard of the second one through Redis.
    const [reply] = await post(a.url, publish(clientId));
    expect(reply?.successful).toBe(true);
  });

  it('carry requests and questions, so that nothing is told through Redis', async () => {
    const [a, b] = [await redisNode(on()), await redisNode(on())];
    const clientId = await shakeHands(b.url);
    const [reply] = await post(a.url, publish(clientId));
    expect(reply?.successful).toBe(true);
    expect(await a.server.directory.count()).toEqual({ value: 1, complete: true });
    for (const { server } of [a, b]) expect(await cluster().told(server.node)).toEqual([]);
  });

  it('are not there for a node without: it is told all through Redis, and tells so', async () => {
    const secret = { cluster: { secret: SECRET } };
    const [a, b, c] = [await redisNode(on()), await pipedNode({ ...on(), ...secret }), await redisNode(on())];
    const clientId = await shakeHands(b.url);
    await expect.poll(() => a.server.directory.count(), patience).toEqual({ value: 1, complete: true });
    for (const [one, id] of [
      [a, clientId],
      [b, await shakeHands(a.url)],
    ] as const) {
      const [reply] = await post(one.url, publish(id));
      expect(reply?.successful).toBe(true);
    }
    const opened = ({ logged }: ServingNode) =>
      logged.flatMap(({ event, node, through }) => (event === 'link.opened' ? [[node, through]] : []));
    const [ofA, ofB, ofC] = [a, b, c].map(({ server }) => server.node);
    expect(opened(a)).toEqual([
      [ofB, 'redis'],
      [ofC, undefined],
    ]);
    expect(opened(b)).toEqual([
      [ofA, 'redis'],
      [ofC, 'redis'],
    ]);
  });

  it('go on while Redis is away, and when the lease of a node has ended meanwhile', async () => {
    const [a, b] = [await redisNode({ ...on(), timeout: 200 }), await redisNode({ ...on(), timeout: 200 })];
    const clientId = await shakeHands(b.url);
    const connected = async () => (await post(a.url, connectOf(clientId, { advice: { timeout: 0 } })))[0];
    cluster().redis.pause();
    expect(await connected()).toMatchObject({ successful: true });
    await expect.poll(() => a.logged.some(({ event }) => event === 'engine.away'), patience).toBe(true);
    expect(await connected()).toMatchObject({ successful: true });
    cluster().redis.continue();
    await cluster().send('FLUSHALL');
    await expect.poll(() => a.logged.some(({ event }) => event === 'engine.open'), patience).toBe(true);
    expect(await connected()).toMatchObject({ successful: true });
  });

  it('end when a node closes: then its sessions are unknown at once', async () => {
    const [a, b] = [await redisNode(on()), await redisNode(on())];
    const clientId = await shakeHands(b.url);
    await b.server.close();
    const [reply] = await post(a.url, connectOf(clientId));
    expect(reply).toMatchObject({ error: '402::session_unknown', advice: { reconnect: 'handshake' } });
  });

  it('with TLS refuse a node with a certificate of another authority, and log it', async () => {
    const withCert = (name: string) => ({
      ...on(),
      cluster: {
        listen: '127.0.0.1:0',
        secret: SECRET,
        tls: { cert: pem(`${name}cert`), key: pem(`${name}key`), ca: pem('cert') },
      },
    });
    const [a, b] = [await redisNode(withCert('')), await redisNode(withCert(''))];
    const [reply] = await post(a.url, publish(await shakeHands(b.url)));
    expect(reply?.successful).toBe(true);
    const stranger = await redisNode(withCert('other-'));
    const refusal = ({ logged }: ServingNode) => logged.find(({ event }) => event === 'link.refused');
    for (const node of [a, b]) await expect.poll(() => refusal(node), patience).toBeDefined();
    expect(refusal(a)?.why).toMatch(
      /^a certificate does not fit \(\w+\): check "cluster.tls" of both nodes$/,
    );
    const clientId = await shakeHands(stranger.url);
    const { status } = await fetch(a.url, { method: 'POST', body: JSON.stringify([publish(clientId)]) });
    expect(status).toBe(503);
  });

  it('keep a server from opening when their address is taken, and the error says so', async () => {
    const { port } = await redisNode(on());
    const engine = redisEngine({ ...on(), cluster: { listen: `127.0.0.1:${port}`, secret: SECRET } });
    const { server } = await start({ engine, log: () => {} });
    await expect(server.open()).rejects.toThrow(
      `cluster.listen: 127.0.0.1:${port} is in use by another process: name another port`,
    );
  });

  it('leave no clientId and no secret in any command to Redis', async () => {
    const commands = await monitored(cluster().redis.port);
    const nodes = [await redisNode(on()), await redisNode(on()), await redisNode(on())] as const;
    const [a, b, c] = nodes;
    const clientId = await shakeHands(a.url);
    await post(b.url, { channel: '/meta/subscribe', clientId, subscription: '/a' });
    await post(b.url, publish(clientId));
    const held = post(c.url, connectOf(clientId));
    await expect.poll(() => [...a.server.sessions].map(({ state }) => state), patience).toEqual(['held']);
    await b.server.publish('/a', 2);
    expect((await held).map(({ data }) => data)).toContain(2);
    await b.server.directory.members('/a');
    await post(c.url, { channel: '/meta/disconnect', clientId });
    await Promise.all(nodes.map(({ server }) => server.close()));
    const all = await commands();
    for (const name of namesOf(nodes)) expect(all).toContain(name);
    const random = clientId.slice(a.server.node.length);
    const parts = Array.from({ length: random.length - 9 }, (_, at) => random.slice(at, at + 10));
    expect(parts.filter((part) => all.includes(part))).toEqual([]);
    expect(all).not.toContain(SECRET);
  });
});
