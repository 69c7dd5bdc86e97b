import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { isPromise, type MaybePromise } from '../lib/maybe-promise.ts';
import type { OptionTable } from '../options/table.ts';
import type { Feature, FeatureModule, SessionFeature } from '../ports/feature.ts';
import type { HandshakeRequest, PublishRequest, ReplyFields } from '../protocol/message.ts';
import type { Conduit } from '../ports/conduit.ts';

/** Publishes remembered for each session, and for how long. Milliseconds. */
const REMEMBERED = 32;
const LIFETIME = 60_000;

interface Remembered {
  readonly digest: string;
  readonly at: number;
  readonly conduit: WeakRef<Conduit>;
  readonly fields: MaybePromise<ReplyFields>;
}

const fayeTypes = ['eventsource', 'in-process', 'cross-origin-long-polling'];

/** Carries out a publish only once when a client sends it twice (PB-7). Mode `faye` does so for Faye clients only. */
function dedupe(clock: Clock, mode: true | 'faye'): Feature {
  return {
    name: 'dedupe',
    attach: (_session, request, conduit) =>
      conduit.trusted !== true && (mode === true || isFaye(request)) ? [new RecentPublishes(clock)] : [],
  };
}

// Only Faye clients list these types.
function isFaye({ supportedConnectionTypes: types }: HandshakeRequest): boolean {
  return fayeTypes.some((type) => types?.includes(type));
}

/**
 * The recent publishes of a session, with their replies (PB-7). A Faye client sends a message again when it missed the
 * reply; subscribers must not receive the event twice.
 */
class RecentPublishes implements SessionFeature {
  readonly #clock: Clock;
  #entries: Remembered[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  repeated(request: PublishRequest, conduit: Conduit): MaybePromise<ReplyFields> | undefined {
    const now = this.#clock.now();
    this.#entries = this.#entries.filter((entry) => now - entry.at < LIFETIME);
    if (this.#entries.length === 0 || request.id === undefined) return undefined;
    const digest = digestOf(request);
    const entry = this.#entries.find((past) => past.digest === digest && past.conduit.deref() !== conduit);
    return entry?.fields;
  }

  published(request: PublishRequest, conduit: Conduit, fields: MaybePromise<ReplyFields>): void {
    if (request.id === undefined) return;
    if (this.#entries.length >= REMEMBERED) this.#entries.shift();
    const entry: Remembered = {
      digest: digestOf(request),
      at: this.#clock.now(),
      conduit: new WeakRef(conduit),
      fields,
    };
    this.#entries.push(entry);
    // A publish that failed may be repeated.
    if (isPromise(fields)) fields.catch(() => this.#forget(entry));
  }

  #forget(entry: Remembered): void {
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}

function digestOf({ id, channel, data }: PublishRequest): string {
  return createHash('sha1')
    .update(JSON.stringify([id, channel, data]))
    .digest('base64');
}

const rows = {
  dedupe: {
    kind: 'word',
    words: ['faye', true, false],
    default: 'faye',
    doc: 'Whose repeated publishes are recognised and not delivered twice: those of Faye clients, all, or none.',
  },
} as const satisfies OptionTable;

type Parts = {
  readonly options: { readonly dedupe: boolean | 'faye' };
  readonly clock: Clock;
};

export const dedupeModule = {
  sections: { 'Events and queues': rows },
  make: ({ options, clock }: Parts) => (options.dedupe === false ? undefined : dedupe(clock, options.dedupe)),
} as const satisfies FeatureModule;
