import { describe, expect, it } from 'vitest';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import type { NodeSide } from '../../src/ports/engine.ts';
import { silent } from '../../src/lib/log.ts';
import { ask, FakeClient, serve } from '../support/fake-client.ts';

/** An engine that opens when it is told to. */
class SlowEngine extends MemoryEngine {
  opened = () => {};
  failed = (_error: Error) => {};

  override async open(side: NodeSide): Promise<void> {
    await super.open(side);
    await new Promise<void>((resolve, reject) => {
      this.opened = resolve;
      this.failed = reject;
    });
  }
}

// Time stands still here: handshakes above a rate would wait.
const limits = { handshakes: 0 };

describe('server.readiness', () => {
  it('is ready once the engine and the features are open', async () => {
    const engine = new SlowEngine();
    const { server } = serve({ engine });
    expect(server.readiness).toEqual({
      ready: false,
      reason: 'starting',
      why: 'the engine or a feature is not open yet',
    });
    await Promise.resolve();
    engine.opened();
    await server.open();
    expect(server.readiness).toEqual({ ready: true });
  });

  it('is not ready when one of them cannot be opened', async () => {
    const engine = new SlowEngine();
    const { server } = serve({ engine, log: silent });
    await Promise.resolve();
    engine.failed(new Error('no route'));
    await expect(server.open()).rejects.toThrow('no route');
    expect(server.readiness).toMatchObject({ ready: false, reason: 'failed' });
    expect(JSON.stringify(server.readiness)).not.toContain('no route');
  });

  it('is not ready from the moment it drains', async () => {
    const { server } = serve({ drain: { window: 1_000 } });
    await server.open();
    await FakeClient.connected(server);
    const closed = server.close();
    expect(server.readiness).toMatchObject({ ready: false, reason: 'draining' });
    await server.close();
    await closed;
    expect(server.readiness).toMatchObject({ ready: false, reason: 'closed', why: 'the server is closed' });
  });

  it('is full with as many sessions as it may have, and ready again when one ends', async () => {
    const { server } = serve({ maxSessions: 2, maxSessionsPerAddress: 2 });
    await server.open();
    const [ann] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    expect(server.readiness).toEqual({
      ready: false,
      reason: 'full',
      why: 'what "maxSessions" allows is used up',
    });
    await ann.disconnect();
    expect(server.readiness).toEqual({ ready: true });
  });

  it('is full while requests that wait use the memory they may use', async () => {
    const answers: ((yes: boolean) => void)[] = [];
    const canPublish = () => new Promise<boolean>((resolve) => void answers.push(resolve));
    const { server } = serve({ maxIncomingBytes: 200_000, policy: { canPublish }, limits, log: silent });
    await server.open();
    const clients = await Promise.all(Array.from({ length: 500 }, () => FakeClient.connected(server)));
    const pending = clients.map((client) => ask(server, client.message('/a', { data: 'x'.repeat(500) })));
    expect(server.readiness).toMatchObject({
      reason: 'full',
      why: 'what "maxIncomingBytes" allows is used up',
    });
    for (const answer of answers) answer(true);
    await Promise.all(pending);
    expect(server.readiness).toEqual({ ready: true });
  });

  it('is full while subscriptions use the memory they may use', async () => {
    const { server } = serve({ maxSubscriptionBytes: 100_000, limits, log: silent });
    await server.open();
    const ann = await FakeClient.connected(server);
    let at = 0;
    while (server.readiness.ready && at < 1_000) {
      const other = await FakeClient.connected(server);
      await other.subscribe(`/${at}`);
      at += 1;
    }
    expect(server.readiness).toMatchObject({
      reason: 'full',
      why: 'what "maxSubscriptionBytes" allows is used up',
    });
    expect(ann.session.state).toBe('idle');
  });
});
