import { describe, expect, it } from 'vitest';
import { MemoryRevocations } from '../../src/features/auth/memory-revocations.ts';
import { SharedRevocations } from '../../src/features/auth/shared-revocations.ts';
import { EngineUnavailable } from '../../src/ports/engine.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import { revocationsContract } from '../core/contracts/revocations.ts';
import { MemoryShared } from '../support/memory-shared.ts';

const limits = { maxEntries: 100, maxBytes: 1_000_000 };

function made(shared?: MemoryShared) {
  const clock = new FakeClock();
  const list = new SharedRevocations({
    memory: new MemoryRevocations(limits, clock),
    limits,
    shared: shared ?? new MemoryShared(clock),
    peers: undefined,
    clock,
    engineTimeout: 5000,
    refusals: { note() {} },
    revoked: () => 0,
  });
  return { clock, list };
}

revocationsContract('shared', () => made());

describe('the list of revocations of all nodes', () => {
  it('is waited for when a node starts, but not for ever', async () => {
    const shared = new MemoryShared(new FakeClock());
    shared.opening = new Promise(() => {});
    const { list, clock } = made(shared);
    const covered = Promise.resolve(list.covers({ sub: 'ann', token: 't1', issuedAt: 0 }));
    const failed = expect(covered).rejects.toBeInstanceOf(EngineUnavailable);
    await clock.tick(5000);
    await failed;
  });
});
