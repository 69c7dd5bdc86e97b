import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import type { Server, ServerSettings } from '../../src/server.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, type FakeConduitOptions, socket } from '../support/fake-conduit.ts';

function logged(settings: ServerSettings = {}) {
  const warnings: LogEvent[] = [];
  const log = (event: LogEvent): void => void (event.level === 'warn' && warnings.push(event));
  return { ...serve({ ...settings, log }), warnings };
}

/** How handshakes from one address, each by a conduit of its own, end. */
async function from(server: Server, address: string, times: number, options: FakeConduitOptions = {}) {
  const ends: string[] = [];
  for (let at = 0; at < times; at += 1) {
    const {
      ends: [end = 'opened'],
    } = await ask(server, handshake(), exchange({ address, ...options }));
    ends.push(end);
  }
  return ends;
}

describe('room for sessions (HS-14, SEC-10)', () => {
  it('is bounded without any option', () => {
    const { maxSessions } = serve().server.options;
    expect(maxSessions).toBeGreaterThan(0);
    expect(Number.isSafeInteger(maxSessions)).toBe(true);
  });

  it('of one socket ends with maxSessionsPerConnection, whether its sessions connected or not', async () => {
    const { server, warnings } = logged();
    const wire = socket();
    for (let at = 0; at < 10; at += 1) await FakeClient.connected(server, wire);
    await ask(server, handshake(), wire);
    expect([server.sessions.size, wire.ends]).toEqual([10, ['capacity']]);
    expect(warnings).toMatchObject([
      { event: 'session.refused', option: 'maxSessionsPerConnection', limit: 10, count: 1 },
    ]);
  });

  it('of one socket is there again when its sessions have ended', async () => {
    const { server } = logged({ maxSessionsPerConnection: 1 });
    const wire = socket();
    for (let at = 0; at < 5; at += 1) {
      const client = await FakeClient.connected(server, wire);
      client.session.close('timeout');
    }
    await FakeClient.connected(server, wire);
    expect(wire.ends).toEqual([]);
  });

  it('of one address ends with maxSessionsPerAddress, by default half of what there is', async () => {
    const { server, warnings } = logged({ maxSessions: 4 });
    expect(await from(server, '10.0.0.1', 3)).toEqual(['opened', 'opened', 'capacity']);
    expect(await from(server, '::ffff:10.0.0.1', 1)).toEqual(['capacity']);
    expect(await from(server, '10.0.0.2', 2)).toEqual(['opened', 'opened']);
    expect(await from(server, '10.0.0.3', 1)).toEqual(['capacity']);
    expect(warnings).toMatchObject([
      { option: 'maxSessionsPerAddress', limit: 2, address: '10.0.0.1' },
      { option: 'maxSessions', limit: 4, address: '10.0.0.3' },
    ]);
  });

  it('of IPv6 is counted by the first 64 bits', async () => {
    const { server } = logged({ maxSessionsPerAddress: 1 });
    expect(await from(server, '2001:db8::1', 1)).toEqual(['opened']);
    expect(await from(server, '2001:db8::2', 1)).toEqual(['capacity']);
    expect(await from(server, '2001:db8:0:1::2', 1)).toEqual(['opened']);
  });

  it('is told of once a minute, with how many were refused', async () => {
    const { server, clock, warnings } = logged({ maxSessionsPerAddress: 1, maxInterval: 1_000_000 });
    await from(server, '10.0.0.1', 4);
    await clock.tick(60_000);
    await from(server, '10.0.0.1', 1);
    expect(warnings.map(({ count }) => count)).toEqual([1, 3]);
  });

  it('names trustProxy where all clients seem to have the address of a proxy', async () => {
    const { server, warnings } = logged({ maxSessionsPerAddress: 1 });
    await from(server, '10.0.0.1', 2, { headers: { 'x-forwarded-for': '203.0.113.5' } });
    expect(warnings[0]?.hint).toContain('set trustProxy');
    const plain = logged({ maxSessionsPerAddress: 1 });
    await from(plain.server, '10.0.0.1', 2);
    expect(plain.warnings[0]).not.toHaveProperty('hint');
  });

  it('is not taken by a handshake that an extension made a failure of', async () => {
    const refuse = { name: 'refuse', outgoing: () => undefined };
    const { server } = logged({ maxSessionsPerAddress: 1, extensions: [refuse] });
    expect(await from(server, '10.0.0.1', 3)).toEqual(['opened', 'opened', 'opened']);
    expect(server.usage).toMatchObject({ sessions: 0, addresses: 0 });
  });

  it('of sockets is twice that of sessions', () => {
    const { server, warnings } = logged({ maxSessions: 3, maxSessionsPerAddress: 1 });
    const open = (address: string): FakeConduit => {
      const wire = socket({ address });
      server.join(wire);
      return wire;
    };
    const [first, , third] = [open('10.0.0.1'), open('10.0.0.1'), open('10.0.0.1')];
    expect([first?.ends, third?.ends]).toEqual([[], ['capacity']]);
    if (first !== undefined) server.lost(first);
    expect(open('10.0.0.1').ends).toEqual([]);
    for (const at of [2, 3, 4, 5]) expect(open(`10.0.0.${at}`).ends).toEqual([]);
    expect(open('10.0.0.6').ends).toEqual(['capacity']);
    expect(warnings.map(({ option }) => option)).toEqual(['maxConnectionsPerAddress', 'maxSessions']);
  });
});

const LIMITS = { maxSessions: 9, maxSessionsPerAddress: 4, maxSessionsPerConnection: 2 };
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '2001:db8::1'];

interface Live {
  readonly client: FakeClient;
  readonly conduit: FakeConduit;
}

type Act = (world: World) => unknown;

/** Clients at a few addresses, who come and go in every way there is. */
class World {
  readonly served = serve(LIMITS);
  readonly sockets = ADDRESSES.map((address) => this.#opened(address));
  readonly #clients: Live[] = [];

  get live(): readonly Live[] {
    return this.#clients.filter(({ client }) => client.session.state !== 'gone');
  }

  async open(conduit: FakeConduit, connects: boolean): Promise<void> {
    const { server } = this.served;
    const room = this.#hasRoom(conduit);
    const before = server.sessions.size;
    // HS-2: one that never connected makes room.
    const older = server.session(conduit.session?.id ?? '');
    const gone = older?.connected === false ? 1 : 0;
    if (!room) await ask(server, handshake(), conduit);
    else this.#clients.push({ client: await FakeClient.open(server, conduit), conduit });
    expect(server.sessions.size).toBe(room ? before + 1 - gone : before);
    if (room && connects)
      await this.#clients.at(-1)?.client.connect({}, conduit.shape === 'socket' ? conduit : exchange());
    if (!room && conduit.shape === 'socket') this.renew(this.sockets.indexOf(conduit));
  }

  renew(at: number): void {
    const [wire, address = ''] = [this.sockets[at], ADDRESSES[at]];
    if (wire !== undefined) this.served.server.lost(wire.die());
    this.sockets[at] = this.#opened(address);
  }

  #opened(address: string): FakeConduit {
    const wire = socket({ address });
    this.served.server.join(wire);
    return wire;
  }

  #hasRoom(conduit: FakeConduit): boolean {
    const { live } = this;
    const here = live.filter((one) => one.conduit.address === conduit.address).length;
    const onIt = live.filter((one) => one.conduit === conduit && conduit.shape === 'socket').length;
    return (
      live.length < LIMITS.maxSessions &&
      here < LIMITS.maxSessionsPerAddress &&
      onIt < LIMITS.maxSessionsPerConnection
    );
  }
}

const place = fc.nat(ADDRESSES.length - 1);
const acts: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(place, fc.boolean()).map<Act>(([at, connects]) => (world) => {
    const wire = world.sockets[at];
    return wire && world.open(wire, connects);
  }),
  fc.tuple(place, fc.boolean()).map<Act>(
    ([at, connects]) =>
      (world) =>
        world.open(exchange({ address: ADDRESSES[at] ?? '' }), connects),
  ),
  place.map<Act>((at) => (world) => world.renew(at)),
  fc.nat(8).map<Act>((at) => (world) => world.live[at]?.client.disconnect()),
  fc.nat(8).map<Act>((at) => (world) => world.live[at]?.client.session.disconnect()),
  fc.nat(8).map<Act>((at) => (world) => world.live[at]?.client.session.startOver('history')),
  fc.integer({ min: 1000, max: 20_000 }).map<Act>((ms) => (world) => world.served.clock.tick(ms)),
);

it('room comes back in every way a session ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 60 }), async (list) => {
      const world = new World();
      for (const act of list) await act(world);
      const { server, clock } = world.served;
      expect(server.usage).toMatchObject({ sessions: world.live.length, addresses: ADDRESSES.length });
      await clock.tick(200_000);
      for (const wire of world.sockets) server.lost(wire.die());
      expect(server.usage).toMatchObject({ sessions: 0, addresses: 0 });
    }),
    { numRuns: 300 },
  );
});
