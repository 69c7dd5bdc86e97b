import { UsageError } from '../../lib/usage-error.ts';
import type { Given, OptionTable } from '../../options/table.ts';
import type { Retention } from '../../ports/history-store.ts';

/** Where the sender of an addressed message learns what became of it: in the reply, in an event, or nowhere. */
export type Receipts = 'reply' | 'event' | false;

const receiptWords = ['reply', 'event', false] as const;
const integers = { kind: 'integer', min: 1, max: 100_000 } as const;

const ruleRows = {
  addressed: {
    kind: 'group',
    off: true,
    doc: 'A client publishes `{ receivers, payload }`, and the sessions of these users alone get `{ from, payload, id }`.',
    rows: {
      copy: { kind: 'boolean', doc: 'The other sessions of the sender get a copy; `false` if absent.' },
      ttl: {
        kind: 'number',
        unit: 'milliseconds',
        min: 1,
        max: 1_000_000_000_000,
        doc: 'How long a message is kept, in the history, for a user who did not get it; not kept if absent.',
      },
      maxKept: { ...integers, unit: 'messages', doc: 'Messages kept for one user; 1,000 if absent.' },
      receipts: {
        kind: 'word',
        words: receiptWords,
        doc: 'Where the sender learns what became of a message: in the `reply`, in an `event`, or nowhere; `reply` if absent.',
      },
      maxReceivers: { ...integers, unit: 'users', doc: 'Receivers of one message; 1,000 if absent.' },
    },
  },
} as const satisfies OptionTable;

/** How messages of an addressed channel are treated. */
export interface Addressing {
  readonly copy: boolean;
  /** Milliseconds; 0 keeps nothing. */
  readonly ttl: number;
  readonly receipts: Receipts;
  readonly maxReceivers: number;
}

/** The keys of a channel rule about addressed messages. */
export interface AddressedRule {
  readonly addressed?: Addressing | false;
  /** How much of the messages for one user is kept. */
  readonly records?: Retention;
}

/** The keys of a channel rule. */
export const addressedOptions = {
  ruleRows,
  rulesService: true,
  readRule: ({ addressed: given }: Given<typeof ruleRows>, place: string): AddressedRule => {
    if (given === undefined) return {};
    if (given === false) return { addressed: false };
    const {
      copy = false,
      ttl = 0,
      maxKept,
      receipts = 'reply',
      maxReceivers = 1000,
    } = given === true ? {} : given;
    if (ttl === 0 && maxKept !== undefined)
      throw new UsageError(
        `${place}.addressed.maxKept has no effect without ttl: add ttl, or leave maxKept out`,
      );
    return {
      addressed: Object.freeze({ copy, ttl, receipts, maxReceivers }),
      ...(ttl > 0 && { records: { maxEvents: maxKept ?? 1000, maxAge: ttl } }),
    };
  },
} as const;
