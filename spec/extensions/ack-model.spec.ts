import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket, type Wire } from '../support/fake-conduit.ts';
import { settle, turn } from '../support/until.ts';

/** What may happen. A response is `read`, or lost: then the server notices (`cut`) or takes it for delivered (`eaten`). */
type Step =
  | { readonly do: 'publish'; readonly count: number; readonly lazy: boolean }
  | {
      readonly do: 'connect';
      readonly via: 'lp' | 'ws';
      readonly hold: boolean;
      readonly slow: boolean;
      readonly bytes: number;
    }
  | { readonly do: 'read'; readonly frames: number }
  | { readonly do: 'cut' | 'eaten' | 'turn' }
  /** An older request comes once more, or as late as now; its answer goes nowhere. */
  | { readonly do: 'replay'; readonly which: number; readonly slow: boolean };

const { constant, boolean, integer, record, oneof, constantFrom } = fc;

const steps = (sizes: { readonly lp: number; readonly ws: number }) =>
  fc.array(
    oneof(
      {
        weight: 4,
        arbitrary: record({
          do: constant('publish' as const),
          count: integer({ min: 1, max: 4 }),
          lazy: boolean(),
        }),
      },
      {
        weight: 6,
        arbitrary: constantFrom('lp' as const, 'ws' as const).chain((via) =>
          record({
            do: constant('connect' as const),
            via: constant(via),
            hold: boolean(),
            slow: boolean(),
            bytes: constant(sizes[via]),
          }),
        ),
      },
      {
        weight: 6,
        arbitrary: record({ do: constant('read' as const), frames: integer({ min: 1, max: 4 }) }),
      },
      { weight: 3, arbitrary: record({ do: constantFrom('cut' as const, 'eaten' as const) }) },
      { weight: 4, arbitrary: record({ do: constant('turn' as const) }) },
      { weight: 2, arbitrary: record({ do: constant('replay' as const), which: fc.nat(), slow: boolean() }) },
    ),
    { maxLength: 60 },
  );

/** A client as CometD's: it waits for one connect at a time, and says which reply it read last. */
class Model {
  readonly published: number[] = [];
  readonly got: number[] = [];
  readonly #client: FakeClient;
  readonly #sent: Wire[] = [];
  readonly #strays: FakeConduit[] = [];
  #seen = 0;
  #conduit: FakeConduit | undefined;
  #waiting: unknown;
  #read = 0;

  constructor(client: FakeClient) {
    this.#client = client;
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let at = 0; at < step.count; at += 1) {
          this.published.push(this.published.length);
          this.#client.session.deliver('/a', this.published.at(-1), { lazy: step.lazy });
        }
        return;
      case 'connect':
        return this.#connect(step.via, step.hold, step.slow, step.bytes);
      case 'read':
        return this.#readSome(step.frames);
      case 'cut':
        return this.#cut();
      case 'eaten':
        return this.#eaten();
      case 'turn':
        return turn();
      case 'replay':
        return this.#replay(step.which, step.slow);
    }
  }

  /** Nothing is lost any more: the client connects and reads until nothing comes. */
  async calmDown(): Promise<void> {
    this.#cut();
    for (const stray of this.#strays) this.#client.lose(stray);
    await settle();
    for (let more = 0; more < 100 && once(this.got).length < this.published.length; more += 1) {
      this.#connect('lp', false, false, 60);
      await settle();
      this.#readSome(Number.POSITIVE_INFINITY);
    }
  }

  #connect(via: 'lp' | 'ws', hold: boolean, slow: boolean, maxBytes: number): void {
    if (this.#waiting !== undefined) this.#cut();
    const open = this.#conduit?.shape === 'socket' && via === 'ws' && this.#conduit.alive;
    if (!open) {
      this.#leave();
      this.#conduit = via === 'ws' ? socket({ slow, maxBytes }) : exchange({ slow, maxBytes });
      this.#read = 0;
    }
    const message = this.#client.message('/meta/connect', {
      ext: { ack: this.#seen },
      ...(!hold && { advice: { timeout: 0 } }),
    });
    this.#sent.push(message);
    this.#waiting = message.id;
    void this.#client.send(message, this.#conduit);
  }

  #readSome(frames: number): void {
    const conduit = this.#conduit;
    if (conduit === undefined || !conduit.alive) return;
    for (const batch of conduit.batches.slice(this.#read, this.#read + frames)) {
      this.#read += 1;
      for (const message of batch) this.#take(message);
      conduit.settle();
    }
    if (conduit.ends.length > 0) this.#waiting = undefined;
  }

  #take(message: Wire): void {
    if ('data' in message) this.got.push(Number(message.data));
    else if (message.id === this.#waiting) {
      this.#waiting = undefined;
      if (message.successful === true) this.#seen = Number((message.ext as Wire).ack);
    }
  }

  /** The connection breaks, and the server sees it. */
  #cut(): void {
    if (this.#conduit !== undefined) this.#client.lose(this.#conduit);
    this.#conduit = undefined;
    this.#waiting = undefined;
  }

  /** What was sent looks delivered, and was not; then the connection breaks. */
  #eaten(): void {
    for (const _ of this.#conduit?.batches ?? []) this.#conduit?.settle();
    this.#cut();
  }

  /** Whatever comes on the old connection comes too late. */
  #leave(): void {
    if (this.#conduit !== undefined) this.#strays.push(this.#conduit);
    this.#conduit = undefined;
  }

  #replay(which: number, slow: boolean): void {
    const message = this.#sent[which % (this.#sent.length || 1)];
    if (message === undefined) return;
    const stray = exchange({ slow });
    this.#strays.push(stray);
    void this.#client.send(message, stray);
  }
}

const dawdling: Extension = {
  name: 'dawdling',
  outgoing: (reply) => (reply.channel === '/meta/connect' ? turn().then(() => reply) : reply),
};

async function play(schedule: readonly Step[], extensions: readonly Extension[]): Promise<Model> {
  const { server } = serve({ extensions });
  const model = new Model(await FakeClient.open(server, exchange(), { ext: { ack: true } }));
  for (const step of schedule) await model.run(step);
  await model.calmDown();
  return model;
}

const once = (got: readonly number[]): number[] => [...new Set(got)];

describe('with acknowledgements on, whatever is lost, late, doubled or out of order', () => {
  it.each([
    ['at once', []],
    ['while replies dawdle', [dawdling]],
  ])('every event arrives, in order and once, where responses come whole (%s)', async (_name, extensions) => {
    await fc.assert(
      fc.asyncProperty(steps({ lp: 60, ws: 65_536 }), async (schedule) => {
        const { got, published } = await play(schedule, extensions);
        expect(got).toEqual(published);
      }),
      { numRuns: 500 },
    );
  });

  it('every event arrives, in order, where a batch is cut into several frames', async () => {
    await fc.assert(
      fc.asyncProperty(steps({ lp: 60, ws: 60 }), async (schedule) => {
        const { got, published } = await play(schedule, []);
        expect(once(got)).toEqual(published);
      }),
      { numRuns: 500 },
    );
  });
});
