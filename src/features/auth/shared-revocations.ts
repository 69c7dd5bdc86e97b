import type { Refusals } from '../../core/refusals.ts';
import type { Clock } from '../../lib/clock.ts';
import { inTime } from '../../lib/in-time.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { Sum } from '../../ports/directory.ts';
import { EngineUnavailable } from '../../ports/engine.ts';
import type { PeersAbout } from '../../ports/feature.ts';
import type { IssuedToken, Revocations, RevokedEntry } from '../../ports/revocations.ts';
import type { Mark, MarksSide, Shared, SharedMarks } from '../../ports/shared.ts';
import { NoRoomError } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { fullList, type MemoryRevocations, type RevocationLimits } from './memory-revocations.ts';

/** The parts of a list of all nodes. */
export interface SharedRevocationsParts {
  readonly memory: MemoryRevocations;
  readonly limits: RevocationLimits;
  readonly shared: Shared;
  /** Asks the same list on every other node. */
  readonly peers: PeersAbout | undefined;
  readonly clock: Clock;
  /** How long a look-up waits for the list when the node starts. Milliseconds. */
  readonly engineTimeout: number;
  readonly refusals: Pick<Refusals, 'note'>;
  /** Another node has revoked: ends sessions here, and returns how many. */
  readonly revoked: (entry: RevokedEntry) => number;
}

/** The revocations of all nodes. Each node has the whole list in memory, so that a handshake asks nobody. */
export class SharedRevocations implements Revocations {
  readonly #parts: SharedRevocationsParts;
  readonly #marks: SharedMarks;
  #isOpen = false;

  constructor(parts: SharedRevocationsParts) {
    this.#parts = parts;
    const { maxEntries, maxBytes } = parts.limits;
    const side: MarksSide = {
      maxEntries,
      maxBytes,
      heard: (mark) => void this.#heard(mark),
      known: () => Array.from(parts.memory.entries(), markOfEntry),
    };
    this.#marks = parts.shared.marks('revoked', side);
    this.#marks.opened.then(
      () => {
        this.#isOpen = true;
      },
      // The engine has told why it could not be opened.
      () => {},
    );
  }

  /** Resolves when the list is read, or when the engine has failed. */
  async open(): Promise<void> {
    await this.#marks.opened.catch(() => {});
  }

  covers(token: IssuedToken): MaybePromise<boolean> {
    return this.#isOpen ? this.#parts.memory.covers(token) : this.#coversOnceOpen(token);
  }

  /**
   * Adds an entry here, on every node that answers, and to the list for those that come later. Resolves with the sessions that ended
   * on other nodes. All these nodes end them also where the list is full, which then rejects with `NoRoomError`.
   */
  async add(entry: RevokedEntry): Promise<Sum<number>> {
    const full = this.#addHere(entry);
    const mark = markOfEntry(entry);
    const elsewhere = await this.#ask(mark);
    if (full !== undefined) throw full;
    try {
      const limit = await this.#marks.add(mark);
      if (limit !== undefined) throw fullList(limit, this.#parts.limits[limit]);
      return elsewhere;
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      const why =
        'the list of revocations cannot be reached: other nodes may hear of this one only when it is back';
      this.#parts.refusals.note('auth.revocations_away', { why });
      return { ...elsewhere, complete: false };
    }
  }

  /** Another node asks. Returns how many sessions ended here; undefined for a question that is none. */
  asked({ revoked }: JsonObject): number | undefined {
    const mark = readMark(revoked);
    return mark && this.#heard(mark);
  }

  async #coversOnceOpen(token: IssuedToken): Promise<boolean> {
    const { clock, engineTimeout: hookTimeout, memory } = this.#parts;
    const late = () => new EngineUnavailable('the list of revocations is not read yet');
    await inTime(this.#marks.opened, 'the list of revocations', { clock, hookTimeout }, late);
    return memory.covers(token);
  }

  async #ask(mark: Mark): Promise<Sum<number>> {
    const { peers } = this.#parts;
    if (peers === undefined) return { value: 0, complete: true };
    const answers = await peers.askAll({ revoked: { ...mark, until: endOf(mark) } });
    const counts = answers.filter((answer) => typeof answer === 'number');
    return {
      value: counts.reduce((sum, count) => sum + count, 0),
      complete: counts.length === answers.length,
    };
  }

  #heard(mark: Mark): number {
    const entry = entryOf(mark);
    if (entry === undefined) return 0;
    const full = this.#addHere(entry);
    if (full !== undefined)
      this.#parts.refusals.note('auth.revocations_full', {
        option: 'auth.revocations',
        why: `${full.message}; a token that another node has revoked is accepted here until it expires`,
      });
    return this.#parts.revoked(entry);
  }

  #addHere(entry: RevokedEntry): NoRoomError | undefined {
    try {
      this.#parts.memory.add(entry);
      return undefined;
    } catch (error) {
      if (error instanceof NoRoomError) return error;
      throw error;
    }
  }
}

function markOfEntry({ kind, id, revokedAt, until }: RevokedEntry): Mark {
  return { id: `${kind} ${id}`, at: revokedAt, until };
}

function entryOf({ id: mark, at: revokedAt, until }: Mark): RevokedEntry | undefined {
  const [, kind, id] = /^(user|token) (.*)$/s.exec(mark) ?? [];
  if ((kind !== 'user' && kind !== 'token') || id === undefined) return undefined;
  return { kind, id, revokedAt, until };
}

// JSON has no infinity.
function endOf({ until }: Mark): number | null {
  return until === Number.POSITIVE_INFINITY ? null : until;
}

function readMark(value: unknown): Mark | undefined {
  if (!isObject(value)) return undefined;
  const { id, at, until } = value;
  if (typeof id !== 'string' || typeof at !== 'number') return undefined;
  if (until === null) return { id, at, until: Number.POSITIVE_INFINITY };
  return typeof until === 'number' ? { id, at, until } : undefined;
}
