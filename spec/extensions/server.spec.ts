import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { Server as CoreServer } from '../../src/core/server.ts';
import { silent } from '../../src/lib/log.ts';
import type { Feature } from '../../src/ports/feature.ts';
import { describe, expect, it } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import { configOf } from '../../src/server-options.ts';
import { Server, type ServerOptions, UsageError } from '../../src/index.ts';
import { featuresOf, serverFeatures } from '../../src/server-features.ts';
import { ask, FakeClient, handshake } from '../support/fake-client.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';

const make = (options: ServerOptions = {}, extensions: readonly Extension[] = []) =>
  new Server({ clock: new FakeClock(), ...options, extensions });

describe('the server of the package', () => {
  it.each<[string, ServerOptions, object]>([
    ['has ack and timesync on', {}, { ack: true, timesync: { p: 0 } }],
    ['has no ack where that is off', { ack: false }, { timesync: { p: 0 } }],
    ['has no timesync where that is off', { timesync: false }, { ack: true }],
  ])('%s', async (_name, options, ext) => {
    const sent = handshake({ ext: { ack: true, timesync: { tc: 1 } } });
    const { reply } = await ask(make(options), sent);
    expect(reply).toMatchObject({ successful: true, ext });
    expect(Object.keys(reply.ext as object).sort()).toEqual(Object.keys(ext).sort());
    expect(reply.timestamp).toBeUndefined();
  });

  it('stamps the time where that is asked for', async () => {
    const { reply } = await ask(make({ timestamp: 'bayeux' }), handshake());
    expect(reply.timestamp).toBe('2025-06-15T15:06:40.00');
  });

  it('says bytes, unless it is told not to', async () => {
    for (const binary of [true, false]) {
      const server = make({ binary });
      const client = await FakeClient.connected(server);
      client.session.deliver('/a', { data: new Uint8Array([1]) });
      const { events } = await client.connect();
      expect(events.map(({ ext }) => ext)).toEqual([binary ? { binary: {} } : undefined]);
    }
  });

  it('ends those who do nothing, where there is a limit', async () => {
    const clock = new FakeClock();
    const server = new Server({ clock, activity: { maxInactivity: 10 } });
    const client = await FakeClient.connected(server);
    await clock.tick(11);
    expect((await client.connect()).reply.error).toBe('410::session_disconnected');
  });

  it('puts its own extensions before those it is given', async () => {
    const seen: unknown[] = [];
    const watch: Extension = {
      name: 'watch',
      opened: ({ id }) => void seen.push(server.session(id)?.deliverOnly),
    };
    const server = make({}, [watch]);
    await ask(server, handshake({ ext: { ack: true } }));
    expect(seen).toEqual([true]);
  });

  it('refuses options it does not know', () => {
    expect(() => new Server(JSON.parse('{"acks": true}'))).toThrow(UsageError);
    expect(() => new Server(JSON.parse('{"timesync": {"accuracy": "x"}}'))).toThrow('timesync.accuracy');
  });

  it('calls no extension for what clients publish, nor for each who receives it', async () => {
    const called: string[] = [];
    const watched = (extension: Feature): Feature =>
      new Proxy(extension, {
        get(target, hook) {
          const value: unknown = Reflect.get(target, hook);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            called.push(`${target.name}.${String(hook)}`);
            return Reflect.apply(value, target, args);
          };
        },
      });
    const clock = new FakeClock();
    const { options, rules } = configOf({});
    const features = featuresOf(serverFeatures, { options, rules, clock, log: silent });
    const server = new CoreServer({
      ...{ options, rules, clock, log: silent, extensions: [], engine: new MemoryEngine() },
      features: features.map(watched),
    });
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await bob.subscribe('/**');
    expect(new Set(called)).toContain('tabs.attach');
    called.length = 0;
    expect((await ann.publish('/a', 1)).reply).toMatchObject({ successful: true });
    expect((await ann.publish('/service/a', 1)).reply).toMatchObject({ successful: true });
    expect((await bob.publish('/b', 2)).data).toEqual([1, 2]);
    expect(called).toEqual([]);
  });
});
