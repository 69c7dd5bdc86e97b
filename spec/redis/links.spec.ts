import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { linkAddress } from '../../src/cluster/address.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { entriesOf } from '../../src/redis/reply.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { type ServingNode, serveNode } from '../support/cluster.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { describeWithRedis, type TestCluster } from './cluster.ts';
import { redisNode, SECRET } from './redis-nodes.ts';

const patience = { timeout: 10_000, interval: 20 };
const namesOf = (nodes: readonly ServingNode[]) => nodes.map(({ server }) => server.node);
const publish = (clientId: string, data: unknown = 1) => ({ channel: '/a', clientId, data });

/** Listens to all commands that a Redis gets, until they are asked for. */
async function monitored(port: number): Promise<() => Promise<string>> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => void socket.destroy());
  let all = '';
  socket.setEncoding('utf8').on('data', (more: string) => {
    all += more;
  });
  socket.write('MONITOR\r\n');
  await until(() => all.startsWith('+OK'));
  return async () => {
    const end = `the end of what ${randomUUID()} is told`;
    const other = connect({ host: '127.0.0.1', port });
    other.end(`ECHO "${end}"\r\n`);
    await until(() => all.includes(end));
    return all;
  };
}

describeWithRedis('links of nodes on one Redis', (cluster) => {
  const on = () => ({ url: cluster().redis.url, namespace: cluster().keys.prefix.slice(1, -2) });

  /** Questions and answers that went through the mailbox of a node. */
  const toldTo = async ({ send, keys }: TestCluster, { server }: ServingNode) =>
    entriesOf(await send.call(cluster(), 'XRANGE', keys.mailbox(server.node), '-', '+')).flatMap(
      ({ fields }) => fields.filter(([name]) => name === 'c'),
    );

  async function unlinked(): Promise<ServingNode> {
    const node = await serveNode({ engine: redisEngine(on()) });
    onTestFinished(() => node.stop());
    return node;
  }

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

  it('carry questions, so that mailboxes stay empty', async () => {
    const [a, b] = [await redisNode(on()), await redisNode(on())];
    await shakeHands(b.url);
    expect(await a.server.directory.count()).toEqual({ value: 1, complete: true });
    expect(await toldTo(cluster(), b)).toEqual([]);
  });

  it('are not there for a node without: it is asked by its mailbox, and its sessions are unknown elsewhere', async () => {
    const [a, b] = [await redisNode(on()), await unlinked()];
    const clientId = await shakeHands(b.url);
    await expect.poll(() => a.server.directory.count(), patience).toEqual({ value: 1, complete: true });
    expect(await toldTo(cluster(), b)).not.toEqual([]);
    for (const [one, id] of [
      [a, clientId],
      [b, await shakeHands(a.url)],
    ] as const) {
      const [reply] = await post(one.url, publish(id));
      expect(reply?.error).toBe('402::session_unknown');
    }
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
