import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { errors } from '../../src/protocol/errors.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange } from '../support/fake-conduit.ts';

const T = 1_750_000_000_000;

function open(accuracy = 25, others: readonly Extension[] = []) {
  const clock = new FakeClock();
  return { ...serve({ clock, timesync: { accuracy }, extensions: others }), clock };
}

describe('timesync (TS-1 to TS-3)', () => {
  it('answers the first sample, with how far off the client is', async () => {
    const { server } = open();
    const { reply } = await ask(server, handshake({ ext: { timesync: { tc: T - 40, l: 0, o: 0 } } }));
    expect(reply.ext).toEqual({ timesync: { tc: T - 40, ts: T, p: 0, a: -40 } });
  });

  it.each([
    // What the client believes is off by less than 25 ms, by exactly as much, by more; and what it knows nothing of.
    [{ tc: T - 40, l: 10, o: 6 }, undefined],
    [{ tc: T - 40, l: 10, o: 5 }, { a: -25 }],
    [{ tc: T - 40, l: 10, o: 55 }, { a: 25 }],
    [{ tc: T - 40, l: 10, o: 30 }, undefined],
    [{ tc: T - 40, l: 0, o: 40 }, { a: 0 }],
    [{ tc: T - 40 }, {}],
    [{ tc: T - 40, o: 7 }, {}],
  ])('answers %j with %j (TS-2)', async (sample, said) => {
    const client = await FakeClient.open(open().server);
    const { reply } = await client.connect({ ext: { timesync: sample } });
    expect(reply.ext).toEqual(said && { timesync: { tc: sample.tc, ts: T, p: 0, ...said } });
  });

  it('tells sooner where the options say so', async () => {
    const client = await FakeClient.open(open(5).server);
    const { reply } = await client.connect({ ext: { timesync: { tc: T, l: 1, o: 4 } } });
    expect(reply.ext).toEqual({ timesync: { tc: T, ts: T, p: 0, a: 5 } });
  });

  it('counts the time a connect is held (TS-2)', async () => {
    const { server, clock } = open();
    const client = await FakeClient.connected(server);
    const held = await client.connect({ ext: { timesync: { tc: T, l: 0, o: 0 } } });
    await clock.tick(30_000);
    expect(held.reply.ext).toEqual({ timesync: { tc: T, ts: T, p: 30_000, a: 0 } });
  });

  it('answers on every meta channel, failures too, and on no other (TS-1)', async () => {
    const client = await FakeClient.open(open().server);
    const ext = { timesync: { tc: T, l: 0, o: 0 } };
    for (const [channel, synced] of [
      ['/meta/subscribe', true],
      ['/meta/unsubscribe', true],
      ['/meta/connect', true],
      ['/a', false],
      ['/meta/disconnect', true],
      ['/meta/connect', true],
    ] as const) {
      const { reply } = await client.send(client.message(channel, { subscription: '/a', data: 1, ext }));
      expect(reply.ext === undefined).toBe(!synced);
    }
    const failing: Extension = {
      name: 'failing',
      incoming: () => {
        throw errors.rateLimited();
      },
    };
    const other = await ask(open(25, [failing]).server, handshake({ ext }));
    expect(other.reply).toMatchObject({ successful: false, ext: { timesync: { p: 0 } } });
  });

  it('is not thrown off by extensions that copy the message', async () => {
    const copying: Extension = {
      name: 'copying',
      incoming: (request) => ({ ...request, ext: { ...request.ext, more: 1 } }),
    };
    const client = await FakeClient.open(open(25, [copying]).server);
    const { reply } = await client.connect({ ext: { timesync: { tc: T, l: 0, o: 0 } } });
    expect(reply.ext).toEqual({ timesync: { tc: T, ts: T, p: 0, a: 0 } });
  });

  it.each([
    [null],
    [[]],
    ['x'],
    [{}],
    [{ tc: '1', l: 0, o: 0 }],
    [{ tc: null, l: 0, o: 0 }],
    [{ tc: T, l: '0', o: 0 }],
    [{ tc: T, l: null, o: 0 }],
    [{ tc: T, l: 0 }],
    [{ tc: T, l: 0, o: 'x' }],
    [{ tc: T, o: 'x' }],
  ])('says nothing to %j (TS-3)', async (sample) => {
    const client = await FakeClient.open(open().server);
    const { reply } = await client.connect({ ext: { timesync: sample } });
    expect([reply.successful, reply.ext]).toEqual([true, undefined]);
    expect(client.session.attributes.timesync).toBeUndefined();
  });

  it('offers the lag of each session to the application (TS-3)', async () => {
    const client = await FakeClient.open(open().server, exchange(), {
      ext: { timesync: { tc: T, l: 0, o: 0 } },
    });
    expect(client.session.attributes.timesync).toBeUndefined();
    await client.connect({ ext: { timesync: { tc: T, l: 17, o: 3 } } });
    expect(client.session.attributes.timesync).toEqual({ lag: 17 });
  });
});
