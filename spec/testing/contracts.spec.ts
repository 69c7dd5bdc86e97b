import type nodeTest from 'node:test';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type Envelope,
  MemoryEngine,
  MemoryHistory,
  OutgoingEvent,
  type Publication,
  type StoredEvent,
} from '../../src/index.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import {
  clockContract,
  clusterContract,
  engineContract,
  historyStoreContract,
  type Runner,
} from '../../src/testing/index.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';

/** What fails of a contract: the titles, with what they say. */
async function failuresOf(contract: (runner: Runner) => void): Promise<Record<string, string>> {
  const tests: [title: string, test: () => Promise<void>][] = [];
  contract({ describe: (_title, body) => body(), it: (title, test) => tests.push([title, test]) });
  expect(tests).not.toHaveLength(0);
  const failures: Record<string, string> = {};
  for (const [title, test] of tests)
    await test().catch((error: Error) => {
      failures[title] = error.message;
    });
  return failures;
}

const titlesOf = async (contract: (runner: Runner) => void): Promise<string[]> =>
  Object.keys(await failuresOf(contract));

describe('a test runner', () => {
  it('is that of node:test, or of vitest', () => {
    expectTypeOf<Pick<typeof nodeTest, 'describe' | 'it'>>().toExtend<Runner>();
    expectTypeOf<{ describe: typeof describe; it: typeof it }>().toExtend<Runner>();
  });

  it('is told of each contract by name', () => {
    const told: string[] = [];
    const runner: Runner = { describe: (title) => told.push(title), it: () => {} };
    clockContract('my', () => ({ clock: new FakeClock(), pass: async () => {} }), runner);
    engineContract('my', () => new MemoryEngine(), runner);
    clusterContract('my', () => [new MemoryEngine(), new MemoryEngine()], runner);
    historyStoreContract(
      'my',
      () => ({ store: new MemoryHistory(), reopen: () => new MemoryHistory() }),
      runner,
    );
    expect(told).toEqual(['my clock', 'my engine', 'my cluster', 'my history store']);
  });
});

engineContract('bus', () => new BusEngine(new Bus()), { describe, it });
clusterContract(
  'bus',
  () => {
    const bus = new Bus();
    return [new BusEngine(bus), new BusEngine(bus)];
  },
  { describe, it },
);

describe('the contract of a clock', () => {
  const failing = (clock: FakeClock) =>
    titlesOf((runner) => clockContract('bad', () => ({ clock, pass: (ms) => clock.tick(ms) }), runner));

  it('finds one that is early', async () => {
    class Early extends FakeClock {
      override after = (ms: number, call: () => void) => super.after(ms / 2, call);
    }
    expect(await failing(new Early())).toEqual(['calls once, not before its time, and in order']);
  });

  it('finds one that cancels nothing', async () => {
    class Stubborn extends FakeClock {
      override after(ms: number, call: () => void) {
        super.after(Math.min(ms, 2 ** 31), call);
        return { cancel() {} };
      }
    }
    expect(await failing(new Stubborn())).toEqual(['calls nothing that was cancelled, before or after']);
  });

  it('finds one that counts from its start, or calls soon at once', async () => {
    class Young extends FakeClock {
      override now = () => super.now() - 1_750_000_000_000;
      override soon = (call: () => void) => call();
    }
    expect(await failing(new Young())).toEqual([
      'is milliseconds since the epoch, and never goes back',
      'calls soon after what is under way, and before the next timer',
    ]);
  });
});

describe('the contract of an engine', () => {
  const failing = (make: () => MemoryEngine) => titlesOf((runner) => engineContract('bad', make, runner));

  it('finds one that delivers twice, or a copy', async () => {
    class Twice extends MemoryEngine {
      override publish(publication: Publication) {
        super.publish(publication);
        super.publish({ ...publication });
      }
    }
    expect(await failing(() => new Twice())).toEqual([
      'delivers on the node that publishes, exactly once, before publish returns or resolves',
      'keeps the order of one publisher',
    ]);
  });

  it('finds one that delivers late', async () => {
    class Late extends MemoryEngine {
      override publish(publication: Publication) {
        setImmediate(() => super.publish(publication));
      }
    }
    expect(await failing(() => new Late())).toContain(
      'delivers on the node that publishes, exactly once, before publish returns or resolves',
    );
  });

  it('finds one that goes on when it is closed', async () => {
    class Endless extends MemoryEngine {
      override close = async () => {};
    }
    expect(await failing(() => new Endless())).toEqual(['delivers nothing once it is closed']);
  });
});

describe('the contract of a cluster', () => {
  const failing = (make: (bus: Bus) => BusEngine) =>
    titlesOf((runner) =>
      clusterContract(
        'bad',
        () => {
          const bus = new Bus();
          return [make(bus), make(bus)];
        },
        runner,
      ),
    );

  it('finds one that forgets how an event is delivered', async () => {
    class Forgetful extends BusEngine {
      override encode = ({ publication, ...rest }: Envelope) =>
        super.encode({
          ...rest,
          publication: { ...publication, event: new OutgoingEvent(publication.event.message) },
        });
    }
    expect(await failing((bus) => new Forgetful(bus))).toEqual([
      'keeps on the other node how an event is delivered',
    ]);
  });

  it('finds one that forgets the publisher', async () => {
    class Anonymous extends BusEngine {
      override encode = ({ publication: { from, ...publication }, ...rest }: Envelope) =>
        super.encode({ ...rest, publication });
    }
    expect(await failing((bus) => new Anonymous(bus))).toEqual([
      'delivers on the other node as well, exactly once',
    ]);
  });

  it('finds one that goes on when it is closed', async () => {
    class Endless extends BusEngine {
      override close = async () => {};
    }
    expect(await failing((bus) => new Endless(bus))).toEqual([
      'delivers nothing on a node that is closed, and goes on with the other',
    ]);
  });
});

describe('the contract of a history store', () => {
  const failures = (make: () => MemoryHistory) =>
    failuresOf((runner) =>
      historyStoreContract(
        'bad',
        () => {
          const store = make();
          return { store, reopen: () => store };
        },
        runner,
        { runs: 300 },
      ),
    );

  it('finds one that gives too many', async () => {
    class Generous extends MemoryHistory {
      override read = (pattern: string, after: number) => super.read(pattern, after, 1000);
    }
    expect(Object.keys(await failures(() => new Generous()))).toEqual([
      'reads a channel from an id on, at most so many',
      'merges what a pattern matches by id, and nothing else (RP-11, CH-3)',
      'pages through many channels without a gap or a repetition',
      'does as a list of events would, whatever comes',
    ]);
  });

  it('finds one that discards nothing by age, and says by which steps', async () => {
    class Hoarding extends MemoryHistory {
      override expire = () => {};
    }
    const found = await failures(() => new Hoarding());
    expect(Object.keys(found)).toContain('discards what is too old by now when it is told to');
    const steps = (found['does as a list of events would, whatever comes'] ?? '').split('\n').slice(1);
    const kinds = steps.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).do);
    expect([kinds[0], kinds.at(-2), kinds.at(-1)]).toEqual(['append', 'expire', 'read']);
    expect(kinds.slice(1, -2).every((kind) => kind === 'wait')).toBe(true);
  });

  it('takes answers that are no plain objects', async () => {
    class Row implements StoredEvent {
      readonly id: number;
      readonly channel: string;
      readonly at: number;
      readonly json: string;
      readonly isRow = true;

      constructor({ id, channel, at, json }: StoredEvent) {
        this.id = id;
        this.channel = channel;
        this.at = at;
        this.json = json;
      }
    }
    class Rows extends MemoryHistory {
      override append = (channel: string, json: string) => new Row(super.append(channel, json));
    }
    expect(await failures(() => new Rows())).toEqual({});
  });

  it('removes what is left of each store, though a test fails', async () => {
    let left = 0;
    class Broken extends MemoryHistory {
      override append = () => {
        throw new Error('no space');
      };
    }
    const found = await failuresOf((runner) =>
      historyStoreContract(
        'bad',
        () => {
          const store = new Broken();
          left += 1;
          return {
            store,
            reopen: () => store,
            dispose: async () => {
              left -= 1;
            },
          };
        },
        runner,
      ),
    );
    expect(found['answers an append with what it stored']).toBe('no space');
    expect(left).toBe(0);
  });
});
