import { describe, expect, it } from 'vitest';
import type { TimestampFormat } from '../../src/features/timestamp.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

function open(format: TimestampFormat) {
  const clock = new FakeClock();
  return { ...serve({ clock, timestamp: format }), clock };
}

describe('timestamps (TM-1)', () => {
  it.each([
    ['iso', '2025-06-15T15:06:40.123Z'],
    ['bayeux', '2025-06-15T15:06:40.12'],
  ] as const)('as %s are on every reply and every event', async (format, expected) => {
    const { server, clock } = open(format);
    const wire = exchange();
    await clock.tick(123);
    const client = await FakeClient.open(server, wire);
    server.onCall('/service/sum', () => 42);
    await client.subscribe('/a');
    await server.publish('/a', 1);
    client.session.deliver('/b', 2);
    const call = await client.publish('/service/sum', null);
    const failed = await client.subscribe('/meta/x');
    const all = [...wire.messages, ...call.messages, ...failed.messages];
    expect(all).toHaveLength(6);
    for (const message of all) expect(message).toMatchObject({ timestamp: expected });
    expect(all.every((message) => message.ext === undefined)).toBe(true);
  });

  it('are on the notice that a session is over, which nobody asked for (DC-6)', async () => {
    const { server } = open('iso');
    for (const holds of [true, false]) {
      const wire = socket();
      const client = await FakeClient.connected(server, wire);
      if (holds) await client.connect({}, wire);
      wire.batches.length = 0;
      client.session.disconnect();
      expect(wire.messages[0]).toEqual({
        channel: '/meta/disconnect',
        successful: true,
        timestamp: '2025-06-15T15:06:40.000Z',
      });
    }
  });

  it('say when an event was published, not when it was fetched', async () => {
    const { server, clock } = open('iso');
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    await server.publish('/a', 1);
    await clock.tick(1000);
    const { messages } = await client.connect();
    expect(messages.map((message) => message.timestamp)).toEqual([
      '2025-06-15T15:06:40.000Z',
      '2025-06-15T15:06:41.000Z',
    ]);
  });

  it('cost one text for an event, however many receive it (DL-7)', async () => {
    const { server } = open('iso');
    const queued = new Set<unknown>();
    for (const _ of [1, 2, 3]) {
      const client = await FakeClient.connected(server);
      await client.subscribe('/a');
      const { push } = client.session.outbox;
      client.session.outbox.push = (event) => {
        queued.add(event);
        return push.call(client.session.outbox, event);
      };
    }
    await server.publish('/a', 1);
    expect(queued.size).toBe(1);
  });

  it.each([true, false])('of a client are never sent on (%j)', async (on) => {
    const { server } = on ? open('iso') : serve();
    const client = await FakeClient.connected(server);
    await client.subscribe('/a');
    const theirs = 'Sun, 15 Jun 2025 00:00:00 GMT';
    const { events } = await client.send(client.message('/a', { data: 1, timestamp: theirs }));
    expect(events.map((event) => event.timestamp)).toEqual([on ? '2025-06-15T15:06:40.000Z' : undefined]);
  });
});
