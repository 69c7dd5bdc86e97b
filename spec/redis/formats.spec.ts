import { describe, expect, it, onTestFinished } from 'vitest';
import { Server } from '../../src/index.ts';
import type { LogEvent } from '../../src/lib/log.ts';
import { encodeEnvelope } from '../../src/ports/envelope.ts';
import { formats, strangers, writtenFormat } from '../../src/redis/formats.ts';
import { redisEngine } from '../../src/redis/redis-engine.ts';
import { tell } from '../../src/redis/scripts/tell.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { describeWithRedis, type TestCluster } from './cluster.ts';
import { publication, TestNode } from './test-node.ts';

const [LOWEST, HIGHEST] = formats;
const EARLIER = [LOWEST - 1, LOWEST - 1] as const;
const LATER = [HIGHEST, HIGHEST + 1] as const;

/** A node of another version. It knows the keys and scripts, and writes and reads envelopes in its own way. */
class OtherVersion {
  readonly #cluster: TestCluster;
  readonly #name: string;
  readonly #formats: readonly [number, number];
  #birth = '';
  #count = 0;

  private constructor(cluster: TestCluster, name: string, formats: readonly [number, number]) {
    this.#cluster = cluster;
    this.#name = name;
    this.#formats = formats;
  }

  static async join(cluster: TestCluster, name: string, of: readonly [number, number], ...wanted: string[]) {
    const node = new OtherVersion(cluster, name, of);
    await node.beat();
    await cluster.interest(node.#caller, 1, wanted);
    return node;
  }

  /** Gives the format that all living nodes read. */
  async beat(leaseMs = 60_000): Promise<number> {
    const { birth, format } = await this.#cluster.beat(this.#name, {
      lease: { formats: this.#formats },
      leaseMs,
    });
    this.#birth = birth;
    return format;
  }

  publish(data: unknown, format: number): Promise<unknown> {
    this.#count += 1;
    const number = this.#count;
    const known = encodeEnvelope({ publication: publication(data), origin: this.#name, number });
    const envelope = known.replace(`"v":${LOWEST}`, `"v":${format}`);
    return this.#cluster.publish(this.#caller, number, { channel: '/x', envelope });
  }

  tell(node: string, message: object): Promise<unknown> {
    return tell(this.#cluster.runner, this.#caller, node, JSON.stringify(message), 1000);
  }

  /** The formats of what it was brought. */
  async brought(): Promise<number[]> {
    const entries = await this.#cluster.mailbox(this.#name);
    return entries.flatMap((text) =>
      Array.from(text.matchAll(/ p \{"v":(\d+)/g), ([, format]) => Number(format)),
    );
  }

  leave(): Promise<unknown> {
    return this.#cluster.send('DEL', `${this.#cluster.keys.prefix}n:${this.#name}`);
  }

  get #caller() {
    return { node: this.#name, birth: this.#birth };
  }
}

describeWithRedis('this version beside another one', (cluster) => {
  const namespace = () => cluster().keys.prefix.slice(1, -2);
  const commonFormat = async () => Number(await cluster().send('HGET', cluster().keys.meta, 'format'));

  async function open() {
    const clock = new FakeClock();
    const logged: LogEvent[] = [];
    const engine = redisEngine({ url: cluster().redis.url, namespace: namespace() });
    const server = new Server({ engine, clock, log: (event) => void logged.push(event) });
    onTestFinished(() => server.close());
    await server.open();
    const heard: unknown[] = [];
    const session = await server.localSession();
    await session.subscribe('/x', ({ data }) => void heard.push(data));
    const words = (name: string) => logged.flatMap(({ event, why }) => (event === name ? [String(why)] : []));
    return { server, clock, heard, words };
  }

  it('is brought what a later one writes, as long as that keeps to the format of all', async () => {
    const { server, heard, words } = await open();
    const later = await OtherVersion.join(cluster(), 'later', LATER, '/x');
    const format = await later.beat();
    expect(format).toBe(HIGHEST);
    await later.publish('from the later one', format);
    await server.publish('/x', 'from this one');
    await expect.poll(() => heard).toEqual(['from the later one', 'from this one']);
    expect(await later.brought()).toEqual([HIGHEST, HIGHEST]);
    expect(words('engine.missed')).toEqual([]);
    expect(words('engine.warning')).toEqual([]);
  });

  it('keeps a later one to its format, until it leaves', async () => {
    const later = await OtherVersion.join(cluster(), 'later', LATER);
    expect(await later.beat()).toBe(HIGHEST + 1);
    const { server } = await open();
    await expect.poll(commonFormat).toBe(HIGHEST);
    expect(await later.beat()).toBe(HIGHEST);
    await server.close();
    expect(await later.beat()).toBe(HIGHEST + 1);
  });

  it('tells of a gap for what it cannot read, goes on, and logs that once a minute', async () => {
    const { server, clock, heard, words } = await open();
    const later = await OtherVersion.join(cluster(), 'later', LATER);
    const unreadable = () => words('engine.warning').filter((why) => why.includes('cannot read'));
    await later.publish('lost', HIGHEST + 1);
    await later.publish('lost', HIGHEST + 1);
    await server.publish('/x', 1);
    await expect.poll(() => heard).toEqual([1]);
    expect([unreadable().length, words('engine.missed').length]).toEqual([1, 1]);
    await clock.tick(60_000);
    await later.publish('lost', HIGHEST + 1);
    await server.publish('/x', 2);
    await expect.poll(() => heard).toEqual([1, 2]);
    expect(unreadable().length).toBe(2);
    expect(words('engine.missed').length).toBe(2);
  });

  it('counts without a later one whose questions and answers it cannot read', async () => {
    const { server, words } = await open();
    const later = await OtherVersion.join(cluster(), 'later123', LATER);
    await expect
      .poll(() => server.directory.count(), { timeout: 5000 })
      .toEqual({ value: 1, complete: false });
    await later.tell(server.node, { v: HIGHEST + 1, from: 'later123', ask: 1, question: { of: 'count' } });
    await expect
      .poll(() => words('engine.warning'))
      .toEqual([expect.stringContaining('a version that this one cannot read')]);
  });

  it('names a node that knows none of its formats, once a minute, and serves on', async () => {
    const earlier = await OtherVersion.join(cluster(), 'earlier', EARLIER, '/x');
    const { server, heard, words } = await open();
    await server.publish('/x', 1);
    await expect.poll(() => heard).toEqual([1]);
    expect(await commonFormat()).toBe(EARLIER[1]);
    expect(await earlier.brought()).toEqual([LOWEST]);
    expect(words('engine.warning')).toEqual([
      expect.stringMatching(
        /^the node earlier knows the formats 0 to 0, and this one 1 to 1: .* upgrade the older one$/,
      ),
    ]);
    await earlier.leave();
    await expect.poll(commonFormat, { timeout: 3000 }).toBe(HIGHEST);
  });
});

describeWithRedis('a version with two formats', (cluster) => {
  const encode: typeof encodeEnvelope = (envelope, format) => encodeEnvelope(envelope, format);
  const open = (name: string, range: readonly [number, number]) =>
    TestNode.open(
      name,
      cluster().redis.url,
      { namespace: cluster().keys.prefix.slice(1, -2), lease: () => ({ formats: range }), encode },
      '/x',
    );

  it('writes the lower one while a node lives that reads no other, and the higher one afterwards', async () => {
    const before = await OtherVersion.join(cluster(), 'before', [LOWEST, HIGHEST], '/x');
    const a = await open('a', LATER);
    await a.publish(1);
    expect(await before.brought()).toEqual([HIGHEST]);
    await before.leave();
    await expect
      .poll(() => cluster().send('HGET', cluster().keys.meta, 'format'), { timeout: 3000 })
      .toBe(String(HIGHEST + 1));
    const reader = await OtherVersion.join(cluster(), 'reader', LATER, '/x');
    // It cannot read itself here, as it is made of this version.
    void a.outcome(2);
    await expect.poll(() => reader.brought()).toEqual([HIGHEST + 1]);
  });
});

describe('the format to write', () => {
  it.each([
    [1, [1, 1], 1],
    [1, [1, 2], 1],
    [2, [1, 2], 2],
    [9, [1, 2], 2],
    [0, [1, 2], 1],
  ] as const)('where all nodes read up to %i, and this one writes %j, is %i', (common, own, written) => {
    expect(writtenFormat(common, own)).toBe(written);
  });

  it('is no matter for nodes that know no common one: they are named', () => {
    const leases = new Map([
      ['same', '{"formats":[1,2]}'],
      ['older', '{"formats":[0,1]}'],
      ['oldest', '{"formats":[0,0]}'],
      ['newest', '{"formats":[3,4]}'],
      ['silent', '{}'],
    ]);
    expect(strangers(leases, [1, 2]).map((why) => why.split(':')[0])).toEqual([
      'the node oldest knows the formats 0 to 0, and this one 1 to 2',
      'the node newest knows the formats 3 to 4, and this one 1 to 2',
      'the node silent does not tell its formats, and this one 1 to 2',
    ]);
  });
});
