import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import type { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { settle, turn } from '../support/until.ts';

/** How a client's connection fails. */
interface Failure {
  /** What was sent is `eaten` by the network, though it looks delivered; or the server sees that it was `cut`. */
  readonly how: 'eaten' | 'cut';
  /** The server hears of it only after the client has come back. */
  readonly late: boolean;
  /** Something else than a connect comes first when it does. */
  readonly speaks: boolean;
}

/** What may happen. */
type Step =
  | { readonly do: 'publish'; readonly count: number; readonly lazy: boolean }
  | { readonly do: 'turn' | 'time' }
  | { readonly do: 'read'; readonly frames: number }
  | ({ readonly do: 'fail' } & Failure)
  /** The next connect gets nowhere. */
  | { readonly do: 'mute' }
  /** The next connect comes twice; the client hears the second answer only. */
  | { readonly do: 'double' };

interface Kind {
  readonly client: 'cometd' | 'faye';
  readonly via: 'lp' | 'ws';
  readonly maxBytes: number;
}

const { boolean, constant, constantFrom, integer, record } = fc;

const usual: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 4,
    arbitrary: record({ do: constant('publish'), count: integer({ min: 1, max: 4 }), lazy: boolean() }),
  },
  { weight: 8, arbitrary: record({ do: constant('read'), frames: integer({ min: 1, max: 4 }) }) },
  { weight: 4, arbitrary: record({ do: constant('turn') }) },
  { weight: 1, arbitrary: record({ do: constant('time') }) },
];

const failing: fc.WeightedArbitrary<Step> = {
  weight: 4,
  arbitrary: record({
    do: constant('fail'),
    how: constantFrom('eaten', 'eaten', 'cut'),
    late: boolean(),
    speaks: boolean(),
  }),
};

const confusing: fc.WeightedArbitrary<Step> = {
  weight: 2,
  arbitrary: record({ do: constantFrom('mute', 'double') }),
};

const steps = (...more: readonly fc.WeightedArbitrary<Step>[]) =>
  fc.array(fc.oneof(...usual, ...more), { maxLength: 80 });

const kinds = (...vias: readonly Kind['via'][]): fc.Arbitrary<Kind> =>
  record({
    client: constantFrom('cometd', 'faye'),
    via: constantFrom(...vias),
    maxBytes: constantFrom(150, 60_000),
  });

interface Heard {
  readonly data: number;
  readonly marked: boolean;
}

/** A client that goes on as CometD's or Faye's does when it has an answer, and when it has none. */
class Model {
  readonly published: number[] = [];
  readonly heard: Heard[] = [];
  readonly #client: FakeClient;
  readonly #clock: FakeClock;
  readonly #kind: Kind;
  readonly #strays: FakeConduit[] = [];
  #conduit: FakeConduit | undefined;
  #read = 0;
  #connect: Wire = {};
  #isConnected = false;
  #isMuted = false;
  #isDoubled = false;

  constructor(client: FakeClient, clock: FakeClock, kind: Kind) {
    this.#client = client;
    this.#clock = clock;
    this.#kind = kind;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let at = 0; at < step.count; at += 1) {
          this.published.push(this.published.length);
          this.#client.session.deliver('/a', this.published.at(-1), { lazy: step.lazy });
        }
        return;
      case 'turn':
        return turn();
      case 'time':
        return this.#clock.tick(30_000);
      case 'read':
        return this.#readSome(step.frames);
      case 'fail':
        return this.#fail(step);
      case 'mute':
        this.#isMuted = true;
        return;
      case 'double':
        this.#isDoubled = this.#kind.via === 'lp';
    }
  }

  /** Nothing is lost any more. */
  async calmDown(): Promise<void> {
    this.#isMuted = false;
    for (let more = 0; more < 1000 && !this.#isDone; more += 1) {
      for (const stray of this.#strays) this.#client.lose(stray);
      await settle();
      await this.#readSome(Number.POSITIVE_INFINITY);
      // What is lazy.
      if (more % 10 === 9) await this.#clock.tick(10_000);
    }
  }

  get #isDone(): boolean {
    const told = new Set(this.heard.map(({ data }) => data));
    return told.size === this.published.length && this.#client.session.outbox.size === 0;
  }

  /** Sends the next connect, or the last one again, as these clients do. */
  async next(isRetry = false): Promise<void> {
    const { client } = this.#kind;
    if (client === 'cometd' || !isRetry) {
      const atOnce = client === 'cometd' && !this.#isConnected;
      this.#connect = this.#client.message('/meta/connect', atOnce ? { advice: { timeout: 0 } } : {});
    }
    if (this.#isMuted) {
      this.#isMuted = false;
      this.#isConnected = false;
      if (this.#kind.via === 'ws') this.#leave(false);
      return this.next(true);
    }
    const conduit = this.#open();
    await this.#client.send(this.#connect, conduit);
    if (!this.#isDoubled) return;
    this.#isDoubled = false;
    this.#strays.push(conduit);
    for (const _ of conduit.batches) conduit.settle();
    this.#conduit = undefined;
    await this.#client.send(this.#connect, this.#open());
  }

  #open(): FakeConduit {
    const { via, maxBytes } = this.#kind;
    if (via === 'ws' && this.#conduit?.alive === true) return this.#conduit;
    this.#read = 0;
    this.#conduit = via === 'ws' ? socket({ slow: true, maxBytes }) : exchange({ slow: true, maxBytes });
    return this.#conduit;
  }

  async #readSome(frames: number): Promise<void> {
    const conduit = this.#conduit;
    if (conduit === undefined) return;
    for (const batch of conduit.batches.slice(this.#read, this.#read + frames)) {
      // It has left this one meanwhile, and reads no more of it.
      if (this.#conduit !== conduit) return;
      this.#read += 1;
      conduit.settle();
      for (const message of batch) this.#hear(message);
      if (!batch.some(({ id, channel }) => channel === '/meta/connect' && id === this.#connect.id)) continue;
      this.#isConnected = true;
      await this.next();
    }
  }

  #hear({ data, ext }: Wire): void {
    if (data === undefined) return;
    this.heard.push({ data: Number(data), marked: (ext as Wire | undefined)?.redelivered === true });
  }

  async #fail({ how, late, speaks }: Failure): Promise<void> {
    const conduit = this.#conduit;
    if (how === 'eaten') for (const _ of conduit?.batches ?? []) conduit?.settle();
    this.#leave(late && how === 'eaten');
    this.#isConnected = false;
    if (speaks) {
      const other = this.#kind.via === 'ws' ? this.#open() : exchange();
      await this.#client.publish('/x', 0, other);
      await turn();
      if (other.shape === 'exchange') for (const message of other.messages) this.#hear(message);
    }
    await this.next(true);
  }

  #leave(late: boolean): void {
    if (this.#conduit === undefined) return;
    if (late) this.#strays.push(this.#conduit);
    else this.#client.lose(this.#conduit);
    this.#conduit = undefined;
  }
}

async function play(schedule: readonly Step[], kind: Kind): Promise<Model> {
  const { server, clock } = serve({ redelivery: 'resend', maxInterval: 1_000_000_000 });
  const model = new Model(await FakeClient.open(server), clock, kind);
  await model.next();
  for (const step of schedule) await model.run(step);
  await model.calmDown();
  return model;
}

/** What is heard for the first time; what is heard again has to be marked. */
function once(heard: readonly Heard[]): number[] {
  const seen = new Set<number>();
  for (const { data, marked } of heard) {
    if (!marked) expect(seen.has(data)).toBe(false);
    seen.add(data);
  }
  return [...seen];
}

const runs = { numRuns: 400 };

describe('without acknowledgements, but with replies sent again', () => {
  it('nothing is repeated where nothing is lost', async () => {
    await fc.assert(
      fc.asyncProperty(steps(), kinds('lp', 'ws'), async (schedule, kind) => {
        const { heard, published } = await play(schedule, kind);
        expect(heard).toEqual(published.map((data) => ({ data, marked: false })));
      }),
      runs,
    );
  });

  it('polling, each event is heard once and in order, whatever replies are lost', async () => {
    await fc.assert(
      fc.asyncProperty(steps(failing), kinds('lp'), async (schedule, kind) => {
        const { heard, published } = await play(schedule, kind);
        expect(heard.map(({ data }) => data)).toEqual(published);
      }),
      runs,
    );
  });

  it('each event is heard, in order, and only what is marked is heard twice, whatever goes wrong', async () => {
    await fc.assert(
      fc.asyncProperty(steps(failing, confusing), kinds('lp', 'ws'), async (schedule, kind) => {
        const { heard, published } = await play(schedule, kind);
        expect(once(heard)).toEqual(published);
      }),
      runs,
    );
  });
});
