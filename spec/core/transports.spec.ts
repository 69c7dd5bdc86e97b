import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/ports/transport.ts';
import { ask, FakeClient, handshake, serve } from '../support/fake-client.ts';
import { exchange, socket } from '../support/fake-conduit.ts';

const line = { name: 'line', offered: false, livesBy: 'conduit' } as const;
const timing = { timeout: 10, interval: 0, maxInterval: 20 };

describe('server.addTransport', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'a transport must be an object, got undefined'],
    ['a name that is taken', { ...line, name: 'websocket' }, 'there is a transport "websocket" already'],
    ['no name', { ...line, name: '' }, 'name of a transport must be a text'],
    ['an unknown key', { ...line, lives: 'conduit' }, 'a transport has "lives"'],
    ['an unknown life', { ...line, livesBy: 'socket' }, 'must be "connects" or "conduit", got "socket"'],
    [
      'offered that is no boolean',
      { ...line, offered: 'yes' },
      'offered of the transport "line" must be true or',
    ],
    ['deliverOnly without connects', { ...line, deliverOnly: true }, 'there are no connect replies'],
    [
      'a bad time',
      { ...line, timing: { ...timing, timeout: '10s' } },
      'timing.timeout of the transport "line"',
    ],
  ])('refuses %s', (_, transport, message) => {
    const { server } = serve();
    expect(() => server.addTransport(transport as Transport)).toThrow(message);
  });

  it('offers the transport to clients where it says so, with its times', async () => {
    const { server, clock } = serve({ transports: ['long-polling'] });
    server.addTransport(line);
    server.addTransport({ name: 'quick', offered: true, livesBy: 'connects', timing });
    const conduit = exchange({ transport: 'quick' });
    await ask(server, handshake({ supportedConnectionTypes: ['quick'] }), conduit);
    expect(conduit.reply).toMatchObject({ successful: true, advice: { timeout: 10 } });
    expect(conduit.reply.supportedConnectionTypes).toContain('quick');
    expect(conduit.reply.supportedConnectionTypes).not.toContain('line');
    await clock.tick(21);
    expect(server.usage.sessions).toBe(0);
  });

  it('opens no session by a transport that nobody added', async () => {
    const events: unknown[] = [];
    const { server } = serve({ log: (event) => events.push(event) });
    const conduit = socket({ transport: 'line' });
    await ask(server, handshake(), conduit);
    expect(server.usage.sessions).toBe(0);
    expect(conduit.ends).toEqual(['failed']);
    expect(JSON.stringify(events, (_, value) => (value instanceof Error ? value.message : value))).toContain(
      'nobody added the transport \\"line\\": call server.addTransport first',
    );
  });
});

describe('a session that lives by its conduit', () => {
  it('ends when another handshake comes by the conduit, which stays', async () => {
    const { server } = serve();
    server.addTransport(line);
    const closed: string[] = [];
    server.on('session.closed', ({ reason }) => closed.push(reason));
    const conduit = socket({ transport: 'line' });
    await FakeClient.open(server, conduit);
    await FakeClient.open(server, conduit);
    expect(closed).toEqual(['replaced']);
    expect(conduit.ends).toEqual([]);
    server.lost(conduit.die());
    expect(closed).toEqual(['replaced', 'left']);
    expect(server.usage.sessions).toBe(0);
  });
});

it('a conduit gets no more events at once than it says it takes', async () => {
  const { server, clock } = serve();
  server.addTransport(line);
  const conduit = Object.assign(socket({ transport: 'line' }), { maxEvents: 2 });
  const alice = await FakeClient.open(server, conduit);
  await alice.subscribe('/a', conduit);
  for (let at = 0; at < 5; at += 1) await server.publish('/a', at);
  await clock.tick(0);
  expect(conduit.batches.map((batch) => batch.filter(({ data }) => data !== undefined).length)).toEqual([
    0, 0, 2, 2, 1,
  ]);
  conduit.maxEvents = 0;
  for (let at = 5; at < 8; at += 1) await server.publish('/a', at);
  await clock.tick(0);
  expect(conduit.data).toEqual([0, 1, 2, 3, 4]);
  conduit.maxEvents = 10;
  conduit.session?.flush();
  expect(conduit.data).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
