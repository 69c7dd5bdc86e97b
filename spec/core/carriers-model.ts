import fc from 'fast-check';
import { expect } from 'vitest';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, stream, type Wire } from '../support/fake-conduit.ts';
import { settle, turn } from '../support/until.ts';

/**
 * What may happen. A carrier is a request, a stream or a socket. It is dark as long as nothing is read from it; a client that opens another
 * one leaves it for good.
 */
type Step =
  | { readonly do: 'publish'; readonly count: number }
  | { readonly do: 'poll'; readonly hold: boolean; readonly http2: boolean }
  | { readonly do: 'socket' | 'stream' }
  /** The client goes on with a connect on its socket, if it has one. */
  | { readonly do: 'connect'; readonly hold: boolean }
  /** It reads so many batches. `heard`: the server learns of that, as it does when nothing is left to write. */
  | { readonly do: 'read'; readonly batches: number; readonly heard: boolean }
  /** An answer that was overtaken is cut in the end; the server sees that a connection broke; a turn of the event loop passes. */
  | { readonly do: 'cut overtaken' | 'break' | 'turn' };

const { constant, boolean, integer, record, oneof, constantFrom } = fc;

const schedules = fc.array(
  oneof(
    {
      weight: 5,
      arbitrary: record({ do: constant('publish' as const), count: integer({ min: 1, max: 3 }) }),
    },
    { weight: 4, arbitrary: record({ do: constant('poll' as const), hold: boolean(), http2: boolean() }) },
    { weight: 3, arbitrary: record({ do: constantFrom('socket' as const, 'stream' as const) }) },
    { weight: 3, arbitrary: record({ do: constant('connect' as const), hold: boolean() }) },
    {
      weight: 6,
      arbitrary: record({
        do: constant('read' as const),
        batches: integer({ min: 1, max: 4 }),
        heard: boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: record({ do: constantFrom('cut overtaken' as const, 'break' as const, 'turn' as const) }),
    },
  ),
  { maxLength: 50 },
);

interface Carrier {
  readonly conduit: FakeConduit;
  read: number;
}

/** A client without acknowledgements that opens new ways while old ones are dark. */
class Model {
  readonly published: number[] = [];
  /** What it read, in order, with whether it was marked as a repeat. */
  readonly got: { readonly data: number; readonly marked: boolean }[] = [];
  readonly #client: FakeClient;
  #poll: Carrier | undefined;
  #push: Carrier | undefined;
  readonly #left: FakeConduit[] = [];

  constructor(client: FakeClient) {
    this.#client = client;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let at = 0; at < step.count; at += 1) this.#publish();
        return;
      case 'poll':
        return this.#startPoll(step.hold, step.http2);
      case 'socket':
        return this.#startSocket();
      case 'stream':
        return this.#startStream();
      case 'connect':
        return this.#connectOnSocket(step.hold);
      case 'read':
        for (const one of [this.#push, this.#poll]) this.#read(one, step.batches, step.heard);
        return;
      case 'cut overtaken':
        return this.#cutOvertaken();
      case 'break':
        for (const one of [this.#push, this.#poll]) if (one !== undefined) this.#client.lose(one.conduit);
        return;
      case 'turn':
        return turn();
    }
  }

  /** From here on each answer is read: the client polls until nothing comes. */
  async calmDown(): Promise<void> {
    for (let more = 0; more < 100 && this.#firsts.length < this.published.length; more += 1) {
      this.#startPoll(false, false);
      await settle();
      this.#cutOvertaken();
      await settle();
      for (const one of [this.#push, this.#poll]) this.#read(one, Number.POSITIVE_INFINITY, true);
    }
  }

  check(): void {
    expect(this.#firsts).toEqual(this.published);
    const seen = new Set<number>();
    for (const { data, marked } of this.got) {
      if (seen.has(data)) expect(marked, `${data} came again, and did not say so`).toBe(true);
      seen.add(data);
    }
  }

  get #firsts(): number[] {
    return [...new Set(this.got.map(({ data }) => data))];
  }

  #publish(): void {
    this.published.push(this.published.length);
    this.#client.session.deliver('/a', this.published.at(-1));
  }

  #startPoll(hold: boolean, http2: boolean): void {
    this.#leave(this.#poll);
    this.#poll = { conduit: exchange({ slow: true, http2, ...(!http2 && { link: {} }) }), read: 0 };
    void this.#client.connect(hold ? {} : { advice: { timeout: 0 } }, this.#poll.conduit);
  }

  #startSocket(): void {
    this.#leave(this.#push);
    this.#push = { conduit: socket({ slow: true }), read: 0 };
    void this.#client.connect({ advice: { timeout: 0 } }, this.#push.conduit);
  }

  #startStream(): void {
    this.#leave(this.#push);
    this.#push = { conduit: stream({ slow: true }), read: 0 };
    if (!this.#client.server.joinStream(this.#client.clientId, this.#push.conduit)) this.#push = undefined;
  }

  #connectOnSocket(hold: boolean): void {
    const conduit = this.#push?.conduit;
    if (conduit?.shape === 'socket' && conduit.alive)
      void this.#client.connect(hold ? {} : { advice: { timeout: 0 } }, conduit);
  }

  #read(carrier: Carrier | undefined, batches: number, heard: boolean): void {
    if (carrier === undefined) return;
    const { conduit } = carrier;
    if (!conduit.alive && conduit.shape === 'exchange') return;
    for (const batch of conduit.batches.slice(carrier.read, carrier.read + batches)) {
      if (!conduit.alive) return;
      carrier.read += 1;
      for (const message of batch) this.#take(message);
      // A response that was read whole has left whole.
      if (heard || conduit.shape === 'exchange') conduit.settleThrough(carrier.read);
    }
  }

  #take({ data, ext }: Wire): void {
    if (data !== undefined)
      this.got.push({ data: Number(data), marked: JSON.stringify(ext)?.includes('redelivered') });
  }

  #leave(carrier: Carrier | undefined): void {
    if (carrier !== undefined) this.#left.push(carrier.conduit);
  }

  #cutOvertaken(): void {
    for (const conduit of this.#left) if (conduit.ends.includes('overtaken')) this.#client.lose(conduit);
  }
}

/** So many schedules: what a carrier did not hand over comes by the next, in order, and what comes again says so. */
export async function carriersKeepOrder(runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule) => {
      const { server } = serve({ maxInterval: 1_000_000_000 });
      const client = await FakeClient.connected(server);
      const model = new Model(client);
      for (const step of schedule) await model.run(step);
      await model.calmDown();
      model.check();
    }),
    { numRuns: runs },
  );
}
