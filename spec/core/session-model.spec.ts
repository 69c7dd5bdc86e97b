import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Server } from '../../src/server.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';

const TIMEOUT = 30_000;
const GRACE = 15_000;

type State = 'none' | 'new' | 'idle' | 'held';

/** What a client of one session knows, and what the table of section 7 says the server should think. */
interface Model {
  state: State;
  /** When it expires, or its hold ends. Milliseconds. */
  deadline: number;
  now: number;
  /** Whether the held connect came by a socket. */
  heldOn: 'http' | 'socket' | undefined;
  /** Whether a socket is bound. */
  bound: boolean;
  sent: number;
}

class Real {
  readonly server: Server;
  readonly clock: FakeClock;
  client: FakeClient | undefined;
  held: FakeConduit | undefined;
  wire: FakeConduit | undefined;
  /** Replies by id: MSG-5. */
  readonly asked = new Map<unknown, number>();
  readonly arrived: unknown[] = [];
  readonly conduits: FakeConduit[] = [];
  sent = 0;

  constructor() {
    ({ server: this.server, clock: this.clock } = serve({ browserCookie: {} }));
  }

  /** Sends and keeps the conduit, so that what came on it later is seen too. */
  async send(message: Wire, conduit: FakeConduit): Promise<FakeConduit> {
    if (!this.conduits.includes(conduit)) this.conduits.push(conduit);
    await ask(this.server, message, conduit);
    await this.client?.flushed();
    return conduit;
  }

  get state(): State {
    const state = this.client?.session.state ?? 'gone';
    return state === 'gone' ? 'none' : state;
  }

  /** Everything that reached the client, conduit by conduit in the order they were opened. */
  get data(): number[] {
    return this.conduits.flatMap(({ data }) => data).filter((one) => typeof one === 'number');
  }
}

type Command = fc.AsyncCommand<Model, Real>;

const exchangeOf = () => exchange({ browser: 'browser1' });

/** Checks that the server agrees with the table. */
function agree(model: Model, real: Real): void {
  expect(real.state).toBe(model.state);
  expect(real.server.usage.sessions).toBe(model.state === 'none' ? 0 : 1);
  expect(real.server.usage.browsers).toBe(model.state === 'held' && model.heldOn === 'http' ? 1 : 0);
  expect(real.server.usage.channelNodes).toBe(model.state === 'none' ? 0 : 1);
  // One deadline for each session, and nothing else.
  expect(real.clock.pending).toBe(model.state === 'none' ? 0 : 1);
}

const end = (model: Model): void => {
  model.state = 'none';
  model.heldOn = undefined;
  model.bound = false;
};

class Handshake implements Command {
  check = (model: Model): boolean => model.state === 'none';
  async run(model: Model, real: Real): Promise<void> {
    real.client = await FakeClient.open(real.server, exchangeOf());
    real.held = undefined;
    real.wire = undefined;
    real.conduits.length = 0;
    real.sent = 0;
    await real.client.subscribe('/a');
    model.state = 'new';
    model.deadline = model.now + GRACE;
    model.sent = 0;
    agree(model, real);
  }
  toString = () => 'handshake';
}

class Connect implements Command {
  readonly way: 'http' | 'socket';
  readonly advice: object | undefined;
  constructor(way: 'http' | 'socket', advice: object | undefined) {
    this.way = way;
    this.advice = advice;
  }
  check = (model: Model): boolean => model.state !== 'none';
  async run(model: Model, real: Real): Promise<void> {
    const client = real.client as FakeClient;
    const older = real.held;
    const olderWire = real.wire;
    const waiting = client.session.outbox.size;
    if (this.way === 'socket') real.wire ??= socket();
    const conduit = this.way === 'socket' ? (real.wire as FakeConduit) : exchangeOf();
    const message = client.message('/meta/connect', this.advice === undefined ? {} : { advice: this.advice });
    await real.send(message, conduit);

    if (model.state === 'held') {
      // CN-10, CN-11
      if (model.heldOn === 'http') expect([older?.ends, older?.messages]).toEqual([['replaced'], []]);
      else if (this.way === 'socket')
        expect(conduit.replies.at(-1)?.error ?? conduit.replies.at(-2)?.error).toBe('409::connect_replaced');
    }
    // WS-8
    model.bound = this.way === 'socket';
    if (this.way === 'http') {
      real.wire = undefined;
      if (olderWire !== undefined) expect(olderWire.ends).toEqual([]);
    }
    const answered = conduit.replies.some(({ id }) => id === message.id);
    const isDue = this.way === 'http' && waiting > 0;
    const atOnce = model.state === 'new' || this.advice !== undefined || isDue;
    expect(answered).toBe(atOnce);
    model.state = atOnce ? 'idle' : 'held';
    model.heldOn = atOnce ? undefined : this.way;
    model.deadline = model.now + (atOnce ? GRACE : TIMEOUT);
    real.held = atOnce ? undefined : conduit;
    agree(model, real);
  }
  toString = () =>
    `connect over ${this.way}${this.advice === undefined ? '' : ` ${JSON.stringify(this.advice)}`}`;
}

class BadConnect implements Command {
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const clientId = real.client?.clientId ?? 'nobody';
    const message = { id: 'bad', channel: '/meta/connect', clientId, connectionType: 'flash' };
    const { reply } = await real.send(message, exchangeOf());
    const unknown = model.state === 'none';
    expect(reply.error).toBe(unknown ? '402::session_unknown' : '301:flash:connection_type_unsupported');
    if (model.state === 'new' || model.state === 'idle')
      model.deadline = Math.max(model.deadline, model.now + GRACE);
    agree(model, real);
  }
  toString = () => 'connect of a bad type';
}

class Publish implements Command {
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const { client } = real;
    const message = client?.message('/nobody', { data: 'x' }) ?? {
      id: 'p',
      channel: '/nobody',
      clientId: 'nobody',
      data: 'x',
    };
    const { reply } = await real.send(message, exchangeOf());
    expect(reply).toEqual({
      id: message.id,
      channel: '/nobody',
      ...(model.state === 'none'
        ? { successful: false, error: '402::session_unknown' }
        : { successful: true }),
    });
    if (model.state === 'new' || model.state === 'idle')
      model.deadline = Math.max(model.deadline, model.now + GRACE);
    agree(model, real);
  }
  toString = () => 'publish';
}

class Event implements Command {
  check = (model: Model): boolean => model.state !== 'none';
  async run(model: Model, real: Real): Promise<void> {
    await real.server.publish('/a', real.sent);
    real.sent += 1;
    await real.client?.flushed();
    if (model.state === 'held' && model.heldOn === 'http') {
      expect(real.held?.replies).toMatchObject([{ channel: '/meta/connect', successful: true }]);
      model.state = 'idle';
      model.heldOn = undefined;
      model.deadline = model.now + GRACE;
      real.held = undefined;
    }
    agree(model, real);
  }
  toString = () => 'event';
}

class Lose implements Command {
  check = (model: Model): boolean => model.state === 'held' || model.bound;
  async run(model: Model, real: Real): Promise<void> {
    const onWire = model.heldOn !== 'http';
    const conduit = onWire ? real.wire : real.held;
    if (conduit !== undefined) real.client?.lose(conduit);
    if (onWire) {
      model.bound = false;
      real.wire = undefined;
    }
    if (model.state === 'held') {
      model.state = 'idle';
      model.heldOn = undefined;
      model.deadline = model.now + GRACE;
      real.held = undefined;
    }
    await real.client?.flushed();
    agree(model, real);
  }
  toString = () => 'lost';
}

class Disconnect implements Command {
  readonly by: 'client' | 'server';
  constructor(by: 'client' | 'server') {
    this.by = by;
  }
  check = (model: Model): boolean => model.state !== 'none';
  async run(model: Model, real: Real): Promise<void> {
    const client = real.client as FakeClient;
    const { held } = real;
    if (this.by === 'server') client.session.disconnect();
    else {
      const { reply } = await real.send(client.message('/meta/disconnect'), exchangeOf());
      expect(reply).toMatchObject({ channel: '/meta/disconnect', successful: true });
    }
    await client.flushed();
    if (model.state === 'held') {
      expect(held?.replies.at(-1)).toMatchObject({
        channel: '/meta/connect',
        successful: this.by === 'client',
        advice: { reconnect: 'none' },
      });
    }
    if (model.bound) expect(real.wire?.ends).toEqual(['disconnected']);
    end(model);
    agree(model, real);
  }
  toString = () => `disconnect by the ${this.by}`;
}

class Pass implements Command {
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
  check = (): boolean => true;
  async run(model: Model, real: Real): Promise<void> {
    const { held } = real;
    await real.clock.tick(this.ms);
    model.now += this.ms;
    if (model.state === 'held' && model.now >= model.deadline) {
      expect(held?.replies.at(-1)).toMatchObject({ channel: '/meta/connect', successful: true });
      model.state = 'idle';
      model.heldOn = undefined;
      model.deadline += GRACE;
      real.held = undefined;
    }
    if ((model.state === 'new' || model.state === 'idle') && model.now >= model.deadline) end(model);
    agree(model, real);
  }
  toString = () => `${this.ms} ms`;
}

describe('the states of a session (section 7)', () => {
  it('follow the table, whatever happens; every request has one reply, and every event arrives once, in order', async () => {
    const commands = fc.commands(
      [
        fc.constant(new Handshake()),
        fc.constantFrom<'http' | 'socket'>('http', 'socket').map((way) => new Connect(way, undefined)),
        fc.constantFrom<'http' | 'socket'>('http', 'socket').map((way) => new Connect(way, undefined)),
        fc.constantFrom<'http' | 'socket'>('http', 'socket').map((way) => new Connect(way, { timeout: 0 })),
        fc.constant(new BadConnect()),
        fc.constant(new Publish()),
        fc.constant(new Event()),
        fc.constant(new Event()),
        fc.constant(new Lose()),
        fc.constantFrom<'client' | 'server'>('client', 'server').map((by) => new Disconnect(by)),
        fc.constantFrom(1, 1000, 14_999, 15_000, 29_999, 30_000, 45_000).map((ms) => new Pass(ms)),
      ],
      { maxCommands: 40 },
    );
    await fc.assert(
      fc.asyncProperty(commands, async (all) => {
        const real = new Real();
        const model: Model = { state: 'none', deadline: 0, now: 0, heldOn: undefined, bound: false, sent: 0 };
        await fc.asyncModelRun(() => ({ model, real }), all);
        await finish(model, real);
      }),
      { numRuns: 200 },
    );
  });
});

/** Reads what is left, and looks back at it all. */
async function finish(model: Model, real: Real): Promise<void> {
  const { client } = real;
  if (client === undefined) return;
  if (model.state !== 'none') {
    while (client.session.outbox.size > 0) {
      await real.send(client.message('/meta/connect', { advice: { timeout: 0 } }), exchangeOf());
    }
    // Each conduit kept the order; together they have every event once.
    expect([...real.data].sort((a, b) => a - b)).toEqual(Array.from({ length: real.sent }, (_, at) => at));
  }
  for (const { data } of real.conduits) {
    const numbers = data.filter((one) => typeof one === 'number');
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
  const ids = real.conduits
    .flatMap(({ replies }) => replies.map(({ id }) => id))
    .filter((id) => id !== undefined && id !== 'bad');
  expect(new Set(ids).size).toBe(ids.length);
  client.session.disconnect();
  expect([real.server.usage, real.clock.pending]).toEqual([
    { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
    0,
  ]);
}

describe('a handshake of a client that has a session', () => {
  it('leaves that one in every state (section 7, HS-2)', async () => {
    const { server } = serve();
    const client = await FakeClient.open(server);
    for (const next of [() => client.connect(), () => client.connect(), () => Promise.resolve()]) {
      const { state } = client.session;
      await ask(server, handshake({ clientId: client.clientId }));
      expect(client.session.state).toBe(state);
      await next();
    }
  });
});
