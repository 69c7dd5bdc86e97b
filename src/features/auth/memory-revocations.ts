import { LowestFirst, type Ranked } from '../../lib/lowest-first.ts';
import type { Clock } from '../../lib/clock.ts';
import { memoryOf } from '../../lib/memory.ts';
import type { IssuedToken, Revocations, RevokedEntry } from '../../ports/revocations.ts';
import { NoRoomError } from '../../protocol/errors.ts';

/** Memory of an entry without its id. Measured on Node 20, rounded up. Bytes. */
const ENTRY = 192;

export interface RevocationLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

interface Kept extends Ranked {
  readonly kind: RevokedEntry['kind'];
  readonly id: string;
  readonly among: Map<string, Kept>;
  readonly revokedAt: number;
  readonly bytes: number;
}

/** The revocations of one node. A full list refuses new entries: to drop an old one would accept its tokens again. */
export class MemoryRevocations implements Revocations {
  readonly #limits: RevocationLimits;
  readonly #clock: Clock;
  readonly #users = new Map<string, Kept>();
  readonly #tokens = new Map<string, Kept>();
  /** Ordered by `until`. */
  readonly #kept = new LowestFirst<Kept>();
  #bytes = 0;

  constructor(limits: RevocationLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Estimated memory. */
  get bytes(): number {
    return this.#bytes;
  }

  add({ kind, id, revokedAt, until }: RevokedEntry): undefined {
    this.#removeEnded();
    const among = kind === 'user' ? this.#users : this.#tokens;
    const older = among.get(id);
    const bytes = ENTRY + memoryOf(id);
    const { maxEntries, maxBytes } = this.#limits;
    if (older === undefined && this.size >= maxEntries) throw fullList('maxEntries', maxEntries);
    if (older === undefined && this.#bytes + bytes > maxBytes) throw fullList('maxBytes', maxBytes);
    if (older !== undefined) this.#remove(older);
    const kept = {
      kind,
      id,
      among,
      revokedAt: Math.max(revokedAt, older?.revokedAt ?? revokedAt),
      bytes,
      rank: Math.max(until, older?.rank ?? until),
      slot: 0,
    };
    among.set(id, kept);
    this.#kept.add(kept);
    this.#bytes += bytes;
  }

  /** Those that have not ended. */
  *entries(): Iterable<RevokedEntry> {
    for (const among of [this.#users, this.#tokens])
      for (const kept of among.values()) {
        const { kind, id, revokedAt, rank: until } = kept;
        if (this.#isLive(kept)) yield { kind, id, revokedAt, until };
      }
  }

  covers({ sub, token, issuedAt }: IssuedToken): boolean {
    if (this.#isLive(this.#tokens.get(token))) return true;
    const user = this.#users.get(sub);
    return this.#isLive(user) && (issuedAt === undefined || issuedAt <= user.revokedAt);
  }

  #isLive(kept: Kept | undefined): kept is Kept {
    return kept !== undefined && kept.rank > this.#clock.now();
  }

  #removeEnded(): void {
    const now = this.#clock.now();
    for (let first = this.#kept.first; first !== undefined && first.rank <= now; first = this.#kept.first)
      this.#remove(first);
  }

  #remove(kept: Kept): void {
    kept.among.delete(kept.id);
    this.#kept.remove(kept);
    this.#bytes -= kept.bytes;
  }
}

/** The error of a list without room. */
export function fullList(limit: keyof RevocationLimits, most: number): NoRoomError {
  const option = `auth.revocations.${limit}`;
  return new NoRoomError(`the list of revoked users and tokens is full: ${option} is ${most}; raise it`);
}
