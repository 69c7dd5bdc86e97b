import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClient } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { DIRECT, directServer, receiptsOf, send } from './clients.ts';

const users = ['ann', 'bob', 'cal', 'eve'] as const;
type User = (typeof users)[number];

const user = fc.constantFrom(...users);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      to: fc.uniqueArray(user, { minLength: 1 }),
      volatile: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('poll' as const, 'socket' as const), user }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('connect' as const, 'cut' as const), at: fc.nat(20) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const), at: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1000, 40_000) }),
  },
);

/** A session of a user, with all connections it ever had. */
class Tab {
  readonly user: User;
  readonly client: FakeClient;
  /** The number of the last message before it was opened. */
  readonly since: number;
  readonly #wires: FakeConduit[] = [];

  constructor(user: User, client: FakeClient, wire: FakeConduit, since: number) {
    this.since = since;
    this.user = user;
    this.client = client;
    this.#wires.push(wire);
  }

  /** The numbers of the messages it got, in order. */
  get numbers(): number[] {
    return this.#wires.flatMap((wire) =>
      wire.events.flatMap(({ channel, data }) =>
        channel === DIRECT ? [(data as { payload: number }).payload] : [],
      ),
    );
  }

  async connect(): Promise<void> {
    if (this.client.session.state === 'gone') return;
    const last = this.#wires.at(-1);
    const wire = last?.shape === 'socket' ? (last.alive ? last : socket()) : exchange();
    if (wire !== last) this.#wires.push(wire);
    await this.client.connect({}, wire);
  }

  cut(): void {
    const last = this.#wires.at(-1);
    if (last?.alive === true) this.client.lose(last);
  }
}

class Model {
  readonly #place = directServer(
    { ttl: 1e9 },
    { policy: { canSend: ({ to }) => to !== 'eve' }, log: () => {} },
  );
  readonly #tabs: Tab[] = [];
  readonly #receipts = new Map<string, string>();
  readonly #volatile = new Set<number>();
  readonly #early = new Map<string, boolean>();
  #sent = 0;

  async run(one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): Promise<void> {
    if (one.do === 'send') await this.#send(one.to, one.volatile);
    else if (one.do === 'wait') await this.#place.clock.tick(one.ms);
    else if ('user' in one) await this.#open(one.user, one.do === 'socket' ? socket() : exchange());
    else await this.#act(one.do, this.#tabs[one.at % Math.max(1, this.#tabs.length)]);
  }

  async #act(what: 'connect' | 'cut' | 'disconnect', tab: Tab | undefined): Promise<void> {
    if (what === 'connect') await tab?.connect();
    else if (what === 'cut') tab?.cut();
    else tab?.client.session.disconnect();
    await tab?.client.flushed();
  }

  async #open(of: User, wire: FakeConduit): Promise<void> {
    const client = await FakeClient.open(this.#place.server, wire, { ext: { user: of } });
    const tab = new Tab(of, client, wire, this.#sent);
    this.#tabs.push(tab);
    await tab.connect();
    await client.flushed();
  }

  async #send(to: readonly User[], volatile: boolean): Promise<void> {
    this.#sent += 1;
    const number = this.#sent;
    const local = await FakeClient.open(this.#place.server, exchange(), { ext: { user: 'sender' } });
    const reply = await send(local, to, number, { volatile });
    for (const [of, receipt] of Object.entries(receiptsOf(reply) as Wire)) {
      this.#receipts.set(`${number} ${of}`, String(receipt));
      this.#early.set(`${number} ${of}`, this.#has(of, number));
    }
    if (volatile) this.#volatile.add(number);
    local.session.disconnect();
  }

  #has(of: string, number: number): boolean {
    return this.#tabs.some((tab) => tab.user === of && tab.numbers.includes(number));
  }

  /** Each user comes back, and gets what waits. */
  async check(): Promise<void> {
    for (const of of users) {
      for (const tab of this.#tabs) if (tab.user === of) await tab.connect();
      await this.#open(of, socket());
      await this.#tabs.at(-1)?.client.flushed();
    }
    for (const [name, receipt] of this.#receipts) this.#checkOne(name, receipt);
    for (const tab of this.#tabs) {
      expect(tab.numbers).toEqual([...new Set(tab.numbers)].sort((one, other) => one - other));
    }
    await this.#place.server.close();
    expect(this.#place.clock.pending).toBe(0);
  }

  #checkOne(name: string, receipt: string): void {
    const [number = '', of = ''] = name.split(' ');
    const has = this.#has(of, Number(number));
    const wasEarly = this.#early.get(name);
    const isLogged = { delivered: [true, true], queued: [false, true], offline: [false, false] }[receipt];
    expect([name, receipt, wasEarly, has]).toEqual([name, receipt, ...(isLogged ?? [false, false])]);
    if (receipt === 'queued') expect(this.#volatile.has(Number(number))).toBe(false);
    if (receipt === 'denied') expect(of).toBe('eve');
    // Of the sessions that were opened later, at most one has it, and none if an older one had got it.
    const later = this.#tabs.filter(
      (tab) => tab.user === of && tab.since >= Number(number) && tab.numbers.includes(Number(number)),
    );
    expect(later.length).toBeLessThanOrEqual(receipt === 'queued' ? 1 : 0);
  }
}

describe('receipts', () => {
  it('agree with what the clients of the receivers logged, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const model = new Model();
        for (const one of steps) await model.run(one);
        await model.check();
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
