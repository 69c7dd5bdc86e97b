import { describe, expect, it } from 'vitest';
import type { FakeClock } from '../../../src/testing/fake-clock.ts';
import type { Revocations } from '../../../src/ports/revocations.ts';

/** A list of revocations and its clock. */
export interface RevocationsUnderTest {
  readonly list: Revocations;
  readonly clock: FakeClock;
}

/** Contract of every list of revocations. */
export function revocationsContract(name: string, make: () => RevocationsUnderTest): void {
  describe(`${name} revocations`, () => {
    it.each([
      ['before', -1, true],
      ['at that moment', 0, true],
      ['later', 1, false],
      ['at an unknown time', undefined, true],
    ] as const)('of a user cover tokens that were issued %s: %s', async (_, offset, covered) => {
      const { list, clock } = make();
      const now = clock.now();
      await list.add({ kind: 'user', id: 'ann', revokedAt: now, until: now + 1000 });
      const issuedAt = offset === undefined ? undefined : now + offset;
      expect(await list.covers({ sub: 'ann', token: 't', issuedAt })).toBe(covered);
      expect(await list.covers({ sub: 'bob', token: 'ann', issuedAt })).toBe(false);
    });

    it('of a token cover that one, whenever it was issued', async () => {
      const { list, clock } = make();
      const now = clock.now();
      await list.add({ kind: 'token', id: 't', revokedAt: now, until: now + 1000 });
      expect(await list.covers({ sub: 'ann', token: 't', issuedAt: now + 500 })).toBe(true);
      expect(await list.covers({ sub: 't', token: 'u', issuedAt: now })).toBe(false);
    });

    it('end', async () => {
      const { list, clock } = make();
      const now = clock.now();
      await list.add({ kind: 'token', id: 't', revokedAt: now, until: now + 1000 });
      await clock.tick(999);
      expect(await list.covers({ sub: 'ann', token: 't', issuedAt: now })).toBe(true);
      await clock.tick(1);
      expect(await list.covers({ sub: 'ann', token: 't', issuedAt: now })).toBe(false);
    });

    it('of one user twice use the later one', async () => {
      const { list, clock } = make();
      const now = clock.now();
      await list.add({ kind: 'user', id: 'ann', revokedAt: now, until: now + 1000 });
      await list.add({ kind: 'user', id: 'ann', revokedAt: now + 10, until: now + 1010 });
      const token = { sub: 'ann', token: 't', issuedAt: now + 5 };
      expect(await list.covers(token)).toBe(true);
      await clock.tick(1005);
      expect(await list.covers(token)).toBe(true);
    });
  });
}
