import assert from 'node:assert/strict';
import { systemClock } from '../lib/clock.ts';
import { silent } from '../lib/log.ts';
import type { Engine, EngineState, Missed, Publication } from '../ports/engine.ts';
import { type Handling, OutgoingEvent } from '../ports/outgoing-event.ts';
import type { Runner } from './runner.ts';

/** How long an event may take from one node to another here. Milliseconds. */
const PATIENCE = 5000;

/** Tests what every engine keeps to. `make` gives one that is not open yet. */
export function engineContract(name: string, make: () => Engine, { describe, it }: Runner): void {
  describe(`${name} engine`, () => {
    const test = (title: string, check: (node: Node) => Promise<void>): void => {
      it(title, () => {
        const node = new Node(make());
        return whileOpen([node], () => check(node));
      });
    };

    test('delivers on the node that publishes, exactly once, before publish returns or resolves', async ({
      engine,
      got,
    }) => {
      await engine.publish(publication(1, { from: 'someone', notToPublisher: true }));
      assert.deepEqual(
        got.map(({ event, from, notToPublisher }) => [event.json, from, notToPublisher]),
        [['{"channel":"/chat/news","data":1}', 'someone', true]],
      );
      await engine.publish(publication(2));
      assert.deepEqual(
        got.map(({ event, from }) => [event.message.data, from]),
        [
          [1, 'someone'],
          [2, undefined],
        ],
      );
    });

    test('keeps the order of one publisher', async ({ engine, got }) => {
      await Promise.all(many.map((at) => engine.publish(publication(at))));
      assert.deepEqual(dataOf(got), many);
    });

    test('hands the same event on, so that its text is made once', async ({ engine, got }) => {
      const one = publication(1);
      await engine.publish(one);
      assert.equal(got[0]?.event, one.event);
    });

    test('takes and forgets what a node wants to hear, in any order', async ({ engine }) => {
      await engine.interest('/a/**', false);
      await engine.interest('/a/**', true);
      await engine.interest('/a/**', true);
      await engine.interest('/a/**', false);
    });

    test('hands on all that a publication has, on the node that publishes', async ({ engine, got }) => {
      const receipt = { queue() {} };
      await engine.publish(publication(1, { to: [`${engine.node}1`], receipt }));
      assert.deepEqual(got[0]?.to, [`${engine.node}1`]);
      assert.equal(got[0]?.receipt, receipt);
    });

    it('has a name for its node, and no two have the same', async () => {
      const names = [make().node, make().node];
      for (const name of names) assert.match(name, /^[A-Za-z0-9]{8}$/);
      assert.notEqual(names[0], names[1]);
    });

    it('delivers nothing once it is closed', async () => {
      const node = new Node(make());
      await node.open();
      await node.engine.close();
      await Promise.resolve(node.engine.publish(publication(1))).catch(() => {});
      assert.deepEqual(node.got, []);
    });
  });
}

/** Tests what the engines of two nodes of one cluster keep to. `make` gives two that are not open yet. */
export function clusterContract(
  name: string,
  make: () => readonly [Engine, Engine],
  { describe, it }: Runner,
): void {
  describe(`${name} cluster`, () => {
    const test = (title: string, check: (here: Node, there: Node) => Promise<void>): void => {
      it(title, () => {
        const [one, other] = make();
        const [here, there] = [new Node(one), new Node(other)];
        return whileOpen([here, there], async () => {
          await there.engine.interest('/chat/*', true);
          await check(here, there);
        });
      });
    };

    test('delivers on the other node as well, exactly once', async (here, there) => {
      await here.engine.publish(publication(1, { from: 'someone', notToPublisher: true }));
      await here.engine.publish(publication(2));
      await there.has(2);
      for (const { got } of [here, there])
        assert.deepEqual(
          got.map(({ event, from, notToPublisher }) => [event.json, from, notToPublisher]),
          [
            ['{"channel":"/chat/news","data":1}', 'someone', true],
            ['{"channel":"/chat/news","data":2}', undefined, undefined],
          ],
        );
    });

    test('keeps on the other node how an event is delivered', async (here, there) => {
      await here.engine.publish(publication(1, {}, { lazy: 500, replayId: 7 }));
      await here.engine.publish(publication(2, {}, { volatile: true }));
      await there.has(2);
      assert.deepEqual(
        there.got.map(({ event: { lazy, volatile, replayId } }) => [lazy, volatile, replayId]),
        [
          [500, false, 7],
          [false, true, undefined],
        ],
      );
    });

    test('keeps the order of one node on the other', async (here, there) => {
      await Promise.all(many.map((at) => here.engine.publish(publication(at))));
      await there.has(many.length);
      assert.deepEqual(dataOf(there.got), many);
    });

    test('brings an event for named sessions to their node, whatever that wants', async (here, there) => {
      const to = [`${there.engine.node}1`];
      const event = new OutgoingEvent({ channel: '/private', data: 1 });
      await here.engine.publish({ event, to, receipt: { queue() {} } });
      await there.has(1);
      assert.deepEqual(
        there.got.map((one) => [one.event.message.data, one.to, one.receipt]),
        [[1, to, undefined]],
      );
    });

    test('brings what is published once an interest is in force', async (here, there) => {
      await there.engine.interest('/late', true);
      await here.engine.publish({ event: new OutgoingEvent({ channel: '/late', data: 1 }) });
      await there.has(1);
    });

    test('takes calls for one pattern in the order made', async (here, there) => {
      const calls = [true, false, true, false, true].map((wanted) => there.engine.interest('/late', wanted));
      await Promise.all(calls);
      await here.engine.publish({ event: new OutgoingEvent({ channel: '/late', data: 1 }) });
      await there.has(1);
    });

    test('has the events of all nodes in one order on each', async (here, there) => {
      await here.engine.interest('/chat/*', true);
      const all = many.map((at) => (at % 2 === 0 ? here : there).engine.publish(publication(at)));
      await Promise.all(all);
      await Promise.all([here.has(many.length), there.has(many.length)]);
      assert.deepEqual(dataOf(here.got), dataOf(there.got));
    });

    test('delivers nothing on a node that is closed, and goes on with the other', async (here, there) => {
      await here.engine.publish(publication(1));
      await there.has(1);
      await there.close();
      await here.engine.publish(publication(2));
      assert.deepEqual([dataOf(here.got), dataOf(there.got)], [[1, 2], [1]]);
    });
  });
}

const many = Array.from({ length: 200 }, (_, at) => at);

const dataOf = (publications: readonly Publication[]): unknown[] =>
  publications.map(({ event }) => event.message.data);

function publication(
  data: unknown,
  rest: Omit<Publication, 'event'> = {},
  handling: Handling = {},
): Publication {
  return { event: new OutgoingEvent({ channel: '/chat/news', data }, handling), ...rest };
}

/** An engine, and what it delivered. */
class Node {
  readonly engine: Engine;
  readonly got: Publication[] = [];
  readonly missed: Missed[] = [];
  readonly states: EngineState[] = [];
  readonly warnings: string[] = [];
  #isOpen = false;
  #arrived: () => void = () => {};

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async open(): Promise<void> {
    await this.engine.open({
      timeout: PATIENCE,
      deliver: (one) => {
        this.got.push(one);
        this.#arrived();
      },
      missed: (what) => this.missed.push(what),
      state: (state) => this.states.push(state),
      warn: (why) => this.warnings.push(why),
      log: silent,
      refusals: { note: (_event, { why }) => this.warnings.push(why) },
    });
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.engine.close();
  }

  /** Waits for so many publications. */
  has(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new Error(`${this.got.length} of ${count} events came to the node`));
      const timer = systemClock.after(PATIENCE, late);
      this.#arrived = () => {
        if (this.got.length < count) return;
        timer.cancel();
        resolve();
      };
      this.#arrived();
    });
  }
}

async function whileOpen(nodes: readonly Node[], check: () => Promise<void>): Promise<void> {
  try {
    for (const node of nodes) await node.open();
    await check();
  } finally {
    for (const node of nodes) await node.close();
  }
}
