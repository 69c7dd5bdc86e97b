import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FrameWriter, type Kind, kinds } from '../../src/cluster/frames.ts';
import { Link } from '../../src/cluster/link.ts';
import { LinkedPeers } from '../../src/cluster/linked-peers.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Bus } from '../support/bus-engine.ts';
import {
  type ClusterNode,
  type ClusterSettings,
  cluster,
  connectAll,
  startNode,
} from '../support/cluster.ts';
import { nodeSide } from '../support/node-side.ts';
import { Relay } from '../support/relay.ts';
import { settle, until } from '../support/until.ts';

const SECRET = 'a secret of the cluster';

async function node(
  settings: ClusterSettings = {},
  via?: (address: string) => Promise<string>,
): Promise<ClusterNode> {
  const started = await startNode(new Bus(systemClock), settings, via);
  onTestFinished(() => started.stop());
  return started;
}

/** Two nodes that stand still in time, each behind a relay. */
async function relayed(settings: ClusterSettings = {}) {
  const clock = new FakeClock();
  const relays: Relay[] = [];
  const via = async (address: string) => {
    const relay = await Relay.to(address);
    relays.push(relay);
    return relay.address;
  };
  const nodes = [await node({ clock, ...settings }, via), await node({ clock, ...settings }, via)] as const;
  return { nodes, relays, clock, cut: () => relays.map((relay) => relay.cut()) };
}

async function socketTo({ info }: ClusterNode): Promise<Socket> {
  const [host = '', port = ''] = (info.link ?? '').split(':');
  const socket = connect({ host, port: Number(port) });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Waits until the other side has closed. */
async function closed(socket: Socket): Promise<void> {
  socket.resume();
  await until(() => socket.readableEnded || socket.destroyed, 'the other side closes');
}

function frameOf(kind: Kind, head: string): Buffer {
  const writer = new FrameWriter();
  writer.add(kind, 0, head);
  return Buffer.concat(writer.take());
}

const refusalsIn = ({ logged }: ClusterNode) => logged.filter(({ event }) => event === 'link.refused');

describe('two nodes', () => {
  it('that dial each other at the same time have one link', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { nodes, relays, cut } = await relayed();
      await connectAll(nodes);
      await until(() => relays.reduce((sum, { open }) => sum + open, 0) === 1, 'one connection is left');
      expect(nodes.flatMap(refusalsIn)).toEqual([]);
      cut();
    }
  });

  it('link again after a pause when the link broke', async () => {
    const { nodes, relays, clock, cut } = await relayed();
    await connectAll(nodes);
    const made = () => relays.reduce((sum, relay) => sum + relay.made, 0);
    const before = made();
    cut();
    await until(() => nodes.every(({ peers }) => peers.linked.length === 0));
    await clock.tick(24);
    expect(made()).toBe(before);
    await clock.tick(26);
    await until(() => nodes.every(({ peers }) => peers.linked.length === 1));
    expect(nodes[0].logged.map(({ event }) => event).filter((event) => event.startsWith('link.'))).toEqual([
      'link.opened',
      'link.closed',
      'link.opened',
    ]);
  });

  it('dial less and less often while the other does not answer', async () => {
    const clock = new FakeClock();
    const one = await node({ clock });
    let [dials, closed] = [0, 0];
    const other = createServer((socket) => {
      dials += 1;
      socket.on('error', () => {});
      socket.on('close', () => {
        closed += 1;
      });
      socket.destroy();
    });
    onTestFinished(() => void other.close());
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    one.peers.setNodes([{ name: 'Somebody', link: `127.0.0.1:${port}` }]);
    for (const [at, pause] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      await until(() => closed === at + 1, `dial ${at + 1}`);
      await settle(10);
      const began = clock.now();
      while (dials === at + 1) await clock.tick(pause / 50);
      const waited = clock.now() - began;
      expect(waited).toBeGreaterThanOrEqual(pause / 2);
      expect(waited).toBeLessThanOrEqual(pause * 1.2);
    }
  });

  it('notice that the other is silent', async () => {
    const { nodes, relays, clock } = await relayed();
    await connectAll(nodes);
    for (const relay of relays) relay.hold();
    await clock.tick(4_000);
    expect(nodes.map(({ peers }) => peers.linked.length)).toEqual([1, 1]);
    await clock.tick(2_000);
    expect(nodes.map(({ peers }) => peers.linked.length)).toEqual([0, 0]);
    expect(nodes[0].logged.find(({ event }) => event === 'link.closed')?.why).toBe(
      'the other node has been silent for 4000 ms',
    );
  });

  it('stay linked as long as each answers', async () => {
    const { nodes, clock } = await relayed();
    await connectAll(nodes);
    for (let at = 0; at < 10; at += 1) {
      await clock.tick(2_000);
      await settle(20);
    }
    expect(nodes.map(({ peers }) => peers.linked.length)).toEqual([1, 1]);
  });

  it('leave no timer behind', async () => {
    const { nodes, clock } = await relayed();
    await connectAll(nodes);
    for (const { peers } of nodes) await peers.close();
    await until(() => clock.pending === 0);
  });

  it('speak through a socket file too', async () => {
    const path = `/tmp/link-${process.pid}-${Date.now()}`;
    const [one, other] = [
      await node({ link: { listen: `${path}-1` } }),
      await node({ link: { listen: `${path}-2` } }),
    ];
    await connectAll([one, other]);
    const clientId = await shakeHands(one.url);
    const [reply] = await post(other.url, connectOf(clientId, { advice: { timeout: 0 } }));
    expect(reply?.successful).toBe(true);
  });

  it('answer each other’s questions', async () => {
    const [one, other] = await cluster(2);
    if (one === undefined || other === undefined) throw new Error('no nodes');
    const clientId = await shakeHands(one.url);
    await post(one.url, { channel: '/meta/subscribe', clientId, subscription: '/a/*' });
    const ask = other.peers.ask.bind(other.peers, one.info.name);
    expect(await ask({ of: 'count' }, 500)).toBe(1);
    expect(await ask({ of: 'count', channel: '/a/b' }, 500)).toBe(1);
    expect(await ask({ of: 'count', channel: '/b' }, 500)).toBe(0);
    expect(await ask({ of: 'members', channel: '/a/b' }, 500)).toEqual(
      Array.from(one.server.sessions, ({ id }) => id),
    );
    expect(await ask({ of: 'sessionsOf', user: 'ann' }, 500)).toEqual([]);
  });

  it('say when the other does not answer in time', async () => {
    const { nodes, relays, clock } = await relayed();
    await connectAll(nodes);
    for (const relay of relays) relay.hold();
    const asked = nodes[0].peers.ask(nodes[1].info.name, { of: 'count' }, 500);
    const failed = expect(asked).rejects.toThrow('did not answer in 500 ms');
    await clock.tick(500);
    await failed;
  });
});

const peersAt = (listen: string) =>
  new LinkedPeers({ node: 'Somebody', clock: systemClock, settings: { listen, secret: SECRET } });

it('links are not opened before anybody serves them', async () => {
  await expect(peersAt('127.0.0.1:0').open(nodeSide())).rejects.toThrow('call serve before open');
});

it('an address that is none is refused', () => {
  expect(() => peersAt('nowhere')).toThrow('not on "nowhere"');
});

describe('a connection is refused', () => {
  it('from a node with another secret, and both say so', async () => {
    const clock = new FakeClock();
    const [one, other] = [
      await node({ clock }),
      await node({ clock, link: { secret: 'quite another secret' } }),
    ];
    for (const { peers } of [one, other]) peers.setNodes([one.info, other.info]);
    await until(() => refusalsIn(one).length > 0 && refusalsIn(other).length > 0);
    expect(refusalsIn(one)[0]).toMatchObject({
      level: 'warn',
      node: other.info.name,
      why: 'the other node has another secret: set the same "cluster.secret" on all nodes',
    });
    expect([one, other].map(({ peers }) => peers.linked)).toEqual([[], []]);
  });

  it('that repeats what a node said before', async () => {
    const { nodes, relays } = await relayed();
    const [first, second] = nodes;
    first.peers.setNodes([second.info]);
    await until(() => first.peers.linked.length === 1);
    const recorded = Buffer.concat(relays[1]?.written.flat() ?? []);
    expect(recorded.includes('nonce')).toBe(true);
    const socket = await socketTo(second);
    socket.write(recorded);
    await closed(socket);
    expect(refusalsIn(second).map(({ why }) => why)).toEqual([expect.stringContaining('has another secret')]);
    expect(first.peers.linked.length).toBe(1);
  });

  it('that sends a node its own words back', async () => {
    const one = await node();
    const socket = await socketTo(one);
    socket.on('data', (bytes) => socket.write(bytes));
    await closed(socket);
    expect(refusalsIn(one)).toHaveLength(1);
  });

  it('of a node that knows no common format', async () => {
    const one = await node();
    const socket = await socketTo(one);
    socket.write(
      frameOf(kinds.hello, JSON.stringify({ formats: [2, 9], node: 'Tomorrow', nonce: 'a'.repeat(64) })),
    );
    await closed(socket);
    expect(refusalsIn(one)[0]?.why).toContain('upgrade the older one');
  });

  it('of another node than the one that was dialed', async () => {
    const [one, other] = [await node(), await node()];
    one.peers.setNodes([{ ...other.info, name: 'Somebody' }]);
    await until(() => refusalsIn(one).length > 0);
    expect(refusalsIn(one)[0]?.why).toContain('another node answers at this address');
  });

  it.each([
    ['a frame that claims four gigabytes', Buffer.from([255, 255, 255, 255])],
    ['a hello above a kilobyte', Buffer.from([0, 0, 4, 1])],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a hello that is not JSON', frameOf(kinds.hello, 'hello')],
    ['a hello without a nonce', frameOf(kinds.hello, JSON.stringify({ formats: [1, 1], node: 'Somebody' }))],
    ['something else first', frameOf(kinds.ask, '{"is":"count"}')],
  ])('for %s', async (_what, bytes) => {
    const one = await node();
    const socket = await socketTo(one);
    socket.write(bytes);
    await closed(socket);
    expect(refusalsIn(one)).toHaveLength(1);
  });

  it('that says nothing for five seconds', async () => {
    const clock = new FakeClock();
    const one = await node({ clock });
    const socket = await socketTo(one);
    await until(() => clock.pending > 0);
    await clock.tick(5_000);
    await closed(socket);
  });

  it('while 64 others have not said who they are', async () => {
    const one = await node();
    const sockets = await Promise.all(Array.from({ length: 64 }, () => socketTo(one)));
    const heard = new Set<Socket>();
    for (const socket of sockets) socket.on('data', () => heard.add(socket));
    await until(() => heard.size === 64);
    await closed(await socketTo(one));
  });
});

/** A node that has proved itself, and is driven by hand. */
async function proven(to: ClusterNode, formats?: readonly [number, number]): Promise<Link> {
  const socket = await socketTo(to);
  let isOpen = false;
  const link = new Link({
    socket,
    role: 'dialer',
    node: 'Somebody',
    secret: SECRET,
    clock: { now: () => 0, after: () => ({ cancel() {} }), soon: (call) => void setImmediate(call) },
    owner: {
      accepts: () => true,
      opened: () => {
        isOpen = true;
      },
      frame() {},
      drained() {},
      oversized() {},
      closed: () => {
        isOpen = false;
      },
    },
    ...(formats !== undefined && { formats }),
  });
  await until(() => isOpen);
  return link;
}

describe('a node that has proved itself', () => {
  it('agrees on the highest format that both know', async () => {
    const one = await node();
    expect((await proven(one, [1, 7])).format).toBe(1);
  });

  it('is cut off for what no node of its format sends', async () => {
    const one = await node();
    const link = await proven(one);
    link.send(kinds.ask, 1, 'no question');
    await until(() => !link.isOpen);
    expect(refusalsIn(one)[0]?.why).toContain('a question is none that this format knows');
  });

  it('can send anything at all: at worst it is cut off', async () => {
    const one = await node();
    const clientId = await shakeHands(one.url);
    const json = fc.jsonValue().map((value) => JSON.stringify(value));
    const opening = fc
      .tuple(
        fc.constantFrom('exchange', 'socket', 'stream', 'other'),
        fc.constantFrom('long-polling', 'websocket', 'eventsource'),
        fc.boolean(),
        fc.string(),
        fc.oneof({ weight: 9, arbitrary: fc.integer() }, fc.string()),
        fc.constant(null),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
      )
      .map((list) => `${JSON.stringify(list)}\n{"headers":{},"cookies":{}}`);
    const batch = fc.constantFrom('[]', '', '[1]', JSON.stringify([connectOf(clientId)]), clientId);
    const frame = fc.tuple(
      fc.oneof(
        fc.constantFrom<Kind>(...Object.values(kinds)),
        fc.constantFrom<Kind>(kinds.request, kinds.batch, kinds.stream, kinds.gone, kinds.settled),
      ),
      fc.integer({ min: 0, max: 3 }),
      fc.oneof({ weight: 3, arbitrary: opening }, json, fc.string(), fc.constantFrom('', '1', '1,1,0')),
      fc.oneof({ weight: 4, arbitrary: batch }, fc.string()),
    );
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    process.on('uncaughtException', note);
    onTestFinished(() => void process.off('uncaughtException', note));
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 12 }), async (frames) => {
        const link = await proven(one);
        for (const fields of frames) link.send(...fields);
        await settle(10);
        link.cut({ why: 'enough' });
        await until(() => one.peers.load.in === 0);
      }),
      { numRuns: 60 },
    );
    expect(errors).toEqual([]);
    expect(one.logged.filter(({ level }) => level === 'error')).toEqual([]);
    const again = await shakeHands(one.url);
    expect(again).toMatch(/^[A-Za-z0-9]{40,}$/);
  });
});
