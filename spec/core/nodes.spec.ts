import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import type { Engine, EngineStatus, NodeSide, NodeStatus } from '../../src/ports/engine.ts';
import type { Peers } from '../../src/ports/peers.ts';
import { questionOf } from '../../src/ports/peer-question.ts';
import { Bus, BusEngine } from '../support/bus-engine.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { FakeClient, serve } from '../support/fake-client.ts';

const status: EngineStatus = {
  formats: [1, 2],
  waiting: 3,
  lag: { entries: 4, ms: 50 },
  failures: 6,
  reconnects: 7,
  sinceBeat: 80,
  trouble: { why: 'no room', at: 9 },
};

/** An engine that tells how it is, and what it knows of the other nodes. */
class TellingEngine extends MemoryEngine implements Engine {
  others: NodeStatus[] = [];
  side: NodeSide | undefined;
  readonly peers: Peers = {
    nodes: [],
    linked: ['Bbbbbbbb'],
    forwarded: { out: 1, in: 2 },
    ask: () => Promise.reject(new Error('nobody is there')),
    serve() {},
  };

  override async open(side: NodeSide): Promise<void> {
    this.side = side;
    await super.open(side);
  }

  status = () => status;
  nodes = () => this.others;
}

describe('the nodes that a server knows', () => {
  it('are itself alone on a node of its own', async () => {
    const { server, clock } = serve();
    await FakeClient.open(server);
    expect(server.nodes.all).toEqual([
      {
        node: server.node,
        isThis: true,
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        started: clock.now(),
        state: 'open',
        sessions: 1,
      },
    ]);
    expect([server.nodes.others, server.nodes.engine, server.nodes.links]).toEqual([
      [],
      undefined,
      undefined,
    ]);
  });

  it('are what its engine tells of them, with the links to them', async () => {
    const engine = new TellingEngine();
    const { server } = serve({ engine });
    engine.others = [
      { node: 'Cccccccc', sessions: 5 },
      { node: 'Bbbbbbbb', state: 'draining' },
    ];
    const [own, ...others] = server.nodes.all;
    const { formats, lag, sinceBeat, trouble } = status;
    expect(own).toMatchObject({ node: server.node, formats, lag, sinceBeat, trouble });
    expect(others).toEqual([
      { node: 'Bbbbbbbb', isThis: false, isLinked: true, state: 'draining' },
      { node: 'Cccccccc', isThis: false, isLinked: false, sessions: 5 },
    ]);
    expect(server.nodes.engine).toEqual({ state: 'open', ...status });
    expect(server.nodes.links).toEqual({ up: 1, out: 1, in: 2 });
  });

  it('are named by the peers of an engine that tells nothing', async () => {
    const bus = new Bus();
    const [one, other] = [serve({ engine: new BusEngine(bus) }), serve({ engine: new BusEngine(bus) })];
    await Promise.all([one.server.open(), other.server.open()]);
    expect(one.server.nodes.all[1]).toEqual({ node: other.server.node, isThis: false });
  });

  it('are told the state of this one', async () => {
    const engine = new TellingEngine();
    const { server, clock } = serve({ engine, drain: { window: 1000 }, log: () => {} });
    await server.open();
    const states: unknown[] = [];
    const note = () => states.push(engine.side?.facts?.().state, server.nodes.all[0]?.state);
    engine.side?.state('away');
    note();
    engine.side?.state('open');
    note();
    await FakeClient.open(server);
    const closing = server.close();
    note();
    await clock.tick(2000);
    await closing;
    note();
    expect(states).toEqual(['away', 'open', 'draining', 'closed'].flatMap((state) => [state, state]));
  });
});

describe('a topic', () => {
  const two = async () => {
    const clock = new FakeClock();
    const bus = new Bus(clock);
    const [a, b] = [new BusEngine(bus), new BusEngine(bus)];
    const [one, other] = [serve({ engine: a }).server, serve({ engine: b }).server];
    await Promise.all([one.open(), other.open()]);
    return { clock, one, other, b };
  };

  it('is answered by the part of another node that answers it', async () => {
    const { one, other } = await two();
    other.nodes.answer('sum', ({ of }) => ({ is: Array.isArray(of) && of.length }));
    expect(one.nodes.others).toEqual([other.node]);
    expect(await one.nodes.ask(other.node, 'sum', { of: [1, 2] })).toEqual({ is: 2 });
    await expect(one.nodes.ask(other.node, 'none', {})).rejects.toThrow('has no answer about none');
  });

  it('has no answer when the node gives none within 500 ms, and on a node of its own', async () => {
    const { clock, one, other, b } = await two();
    b.answers = false;
    const asked = expect(one.nodes.ask(other.node, 'sum', {})).rejects.toThrow('does not answer');
    await clock.tick(500);
    await asked;
    await expect(serve().server.nodes.ask('Aaaaaaaa', 'sum', {})).rejects.toThrow('has no answer');
  });
});

describe('a question of another node', () => {
  it.each([
    { of: 'sessionsOf', user: 'ann' },
    { of: 'members', channel: '/x' },
    { of: 'count' },
    { of: 'count', channel: '/x' },
    { of: 'topic', topic: 'sum', about: { of: [1] } },
  ])('is read: %j', (question) => {
    expect(questionOf(question)).toEqual(question);
  });

  it.each([null, 1, 'count', [], {}, { of: 'other' }, { of: 'members' }, { of: 'topic', topic: 'x' }])(
    'is none: %j',
    (value) => {
      expect(questionOf(value)).toBeUndefined();
    },
  );
});
