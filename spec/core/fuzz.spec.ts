import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogEvent } from '../../src/lib/log.ts';
import { BatchError } from '../../src/protocol/errors.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { exchange, type FakeConduit, socket } from '../support/fake-conduit.ts';
import { batches, bring, faultOf } from '../support/fuzz.ts';

describe('a server that is told anything at all', () => {
  it.each([
    ['long-polling', () => exchange({ browser: 'browser1' })],
    ['callback-polling', () => exchange({ transport: 'callback-polling' })],
    ['websocket', () => socket()],
  ])('over %s answers, throws nothing, and forgets it all', async (_name, make) => {
    const errors: LogEvent[] = [];
    const { server, clock } = serve({
      unconnectedPublish: 'allow',
      log: (event) => void (event.level === 'error' && errors.push(event)),
    });
    const clients = await Promise.all(Array.from({ length: 5 }, () => FakeClient.connected(server)));
    const live = clients.map(({ clientId }) => clientId);
    const conduits: FakeConduit[] = [];
    await fc.assert(
      fc.asyncProperty(batches(), fc.nat({ max: 5000 }), async (text, ms) => {
        const conduit = make();
        conduits.push(conduit);
        try {
          const requests = server.decode(bring(text, live));
          if (requests.length > 0) await server.receive(requests, conduit);
        } catch (error) {
          expect(error).toBeInstanceOf(BatchError);
        }
        for (const batch of conduit.batches) expect(faultOf(batch)).toBeUndefined();
        if (ms > 4900) await clock.tick(ms);
        if (server.sessions.size < 5) live.push((await FakeClient.connected(server)).clientId);
      }),
      { numRuns: 700 },
    );
    await clock.tick(200_000);
    expect([server.usage, clock.pending, errors]).toEqual([
      { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
      0,
      [],
    ]);
    expect(conduits.every(({ batches }) => batches.every((batch) => faultOf(batch) === undefined))).toBe(
      true,
    );
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('sessions that come and go', () => {
  it('leave nothing behind: no node, no timer, no count', async () => {
    const { server, clock } = serve();
    for (let round = 0; round < 5; round += 1) {
      const clients = await Promise.all(
        Array.from({ length: 100 }, (_, at) =>
          FakeClient.connected(server, exchange({ browser: `browser${at}` })),
        ),
      );
      for (const [at, client] of clients.entries()) {
        await client.subscribe([`/room/${at}`, '/room/*', `/deep/${at}/x/y/**`]);
        const held = await client.connect({}, at % 2 === 0 ? exchange() : socket());
        if (at % 5 === 0) await client.disconnect();
        else if (at % 5 === 1) client.lose(held);
        else if (at % 5 === 2) client.session.disconnect();
        else if (at % 5 === 3) client.session.deliver('/a', 1, { lazy: true });
      }
      await server.publish('/room/1', round);
      await clock.tick(60_000);
      expect([server.usage, clock.pending]).toEqual([
        { sessions: 0, channelNodes: 0, browsers: 0, addresses: 0 },
        0,
      ]);
    }
  });
});
