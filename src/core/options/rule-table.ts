import type { Given, OptionTable } from '../../options/table.ts';

const many = 1_000_000_000;
const ages = { kind: 'number', unit: 'milliseconds', min: 1, max: 1_000_000_000_000 } as const;
const counts = { kind: 'integer', unit: 'events', min: 1, max: many } as const;

/** How much of a durable channel is kept, where its rule does not say (RP-14). */
export const retention = {
  maxEvents: {
    ...counts,
    default: 10_000,
    doc: 'Events kept of one durable channel, where its rule does not say.',
  },
  maxAge: { ...ages, default: 86_400_000, doc: 'How long they are kept, where its rule does not say.' },
} as const satisfies OptionTable;

/** What may be set for the channels of a pattern: of all rules that match a channel, the most specific one wins per key. */
export const ruleTable = {
  lazy: {
    kind: 'number',
    unit: 'milliseconds',
    min: 0,
    max: many,
    words: [true, false],
    doc: 'Events wait for the next flush, at most this long; `true` is `maxLazyTimeout`.',
  },
  broadcastToPublisher: { kind: 'boolean', doc: 'As the option of this name, for these channels.' },
  history: {
    kind: 'group',
    off: true,
    doc: 'Keep events, for clients that ask for what they missed; `true` keeps as many as `replay` says.',
    rows: {
      maxEvents: { ...counts, doc: 'Events kept of one channel, instead of `replay.maxEvents`.' },
      maxAge: { ...ages, doc: 'How long they are kept, instead of `replay.maxAge`.' },
    },
  },
  overflow: {
    kind: 'group',
    doc: 'What becomes of events when too many of them wait for one session.',
    rows: {
      action: {
        kind: 'word',
        words: ['dropOldest', 'dropNewest', 'conflate', 'disconnect'],
        required: true,
        doc: 'What becomes of events when too many of them wait for one session; required.',
      },
      key: {
        kind: 'string',
        pattern: /^(\/([^~/]|~[01])*)*$/,
        what: 'a JSON pointer like /symbol',
        doc: 'For `conflate`, which keeps the newest event of each value that stands there in `data`; required.',
      },
      maxEvents: { ...counts, doc: 'Events of this rule that may wait for one session.' },
      maxBytes: {
        kind: 'integer',
        unit: 'bytes',
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
        doc: 'Bytes of them.',
      },
      maxAge: {
        kind: 'number',
        unit: 'milliseconds',
        min: 1,
        max: many,
        doc: 'How long one of them may wait.',
      },
    },
  },
  schema: { kind: 'schema', doc: 'What the `data` of every publish must satisfy.' },
} as const satisfies OptionTable;

/** A rule as it is written. */
export type GivenRule = Given<typeof ruleTable>;
