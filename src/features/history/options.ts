import { count, group, many } from '../../options/rows.ts';
import type { Given, OptionTable } from '../../options/table.ts';
import type { Retention } from '../../ports/history-store.ts';

const ages = { kind: 'number', unit: 'milliseconds', min: 1, max: 1_000_000_000_000 } as const;
const counts = { kind: 'integer', unit: 'events', min: 1, max: many } as const;

const rows = {
  replay: group('Durable channels, set in `channels`: which events are kept, and how they are replayed.', {
    maxEvents: {
      ...counts,
      default: 10_000,
      doc: 'Events kept of one durable channel, unless its rule says otherwise.',
    },
    maxAge: {
      ...ages,
      default: 86_400_000,
      doc: 'How long events are kept, unless the rule of the channel says otherwise.',
    },
    onGap: {
      kind: 'word',
      words: ['fail', 'earliest'],
      default: 'fail',
      doc: 'If events after the id in a subscribe are already discarded: refuse it (`fail`), or start at the oldest event (`earliest`).',
    },
    inject: {
      kind: 'word',
      words: ['both', 'data', 'ext'],
      default: 'both',
      doc: 'Where an event has its replay id: in `data.event` where possible, in `ext`, or in both.',
    },
    maxReplays: count('replays', 200, 1, many, 'Replays of one session that may run at the same time.'),
  }),
} as const satisfies OptionTable;

const ruleRows = {
  history: {
    kind: 'group',
    off: true,
    doc: 'Keep events for clients that missed some; `true` keeps as many as `replay` says.',
    rows: {
      maxEvents: { ...counts, doc: 'Events kept of one channel, instead of `replay.maxEvents`.' },
      maxAge: { ...ages, doc: 'How long events are kept, instead of `replay.maxAge`.' },
    },
  },
} as const satisfies OptionTable;

/** How much is kept of a channel (RP-14); `false` keeps nothing. */
export interface RetentionRule {
  readonly history?: Retention | false | undefined;
  /** How much is kept under one name of the records that a feature keeps because of this rule. */
  readonly records?: Retention | undefined;
}

/** The options of history, and its keys of a channel rule. */
export const historyOptions = {
  sections: { 'History and replay': rows },
  ruleRows,
  readRule: (
    { history }: Given<typeof ruleRows>,
    _place: string,
    { replay }: { readonly replay: Retention },
  ): RetentionRule => (history === undefined ? {} : { history: retentionOf(history, replay) }),
} as const;

function retentionOf(
  history: NonNullable<Given<typeof ruleRows>['history']>,
  kept: Retention,
): Retention | false {
  if (history === false) return false;
  const { maxEvents = kept.maxEvents, maxAge = kept.maxAge } = history === true ? kept : history;
  return Object.freeze({ maxEvents, maxAge });
}
