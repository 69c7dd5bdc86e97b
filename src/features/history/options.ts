import { count, group, many } from '../../options/rows.ts';
import type { Given, OptionTable } from '../../options/table.ts';
import type { Retention } from '../../ports/history-store.ts';

const ages = { kind: 'number', unit: 'milliseconds', min: 1, max: 1_000_000_000_000 } as const;
const counts = { kind: 'integer', unit: 'events', min: 1, max: many } as const;

const rows = {
  replay: group('Durable channels, which `channels` names: what is kept of them, and how it is asked for.', {
    // RP-14.
    maxEvents: {
      ...counts,
      default: 10_000,
      doc: 'Events kept of one durable channel, where its rule does not say.',
    },
    maxAge: { ...ages, default: 86_400_000, doc: 'How long they are kept, where its rule does not say.' },
    onGap: {
      kind: 'word',
      words: ['fail', 'earliest'],
      default: 'fail',
      doc: 'A subscription from an id too old to be complete: refused, or begun with the oldest event there is.',
    },
    inject: {
      kind: 'word',
      words: ['both', 'data', 'ext'],
      default: 'both',
      doc: 'Where an event says its replay id: in `data.event`, where it can, in `ext`, or in both.',
    },
    maxReplays: count('replays', 200, 1, many, 'Replays of one session that are under way at a time.'),
  }),
} as const satisfies OptionTable;

const ruleRows = {
  history: {
    kind: 'group',
    off: true,
    doc: 'Keep events, for clients that ask for what they missed; `true` keeps as many as `replay` says.',
    rows: {
      maxEvents: { ...counts, doc: 'Events kept of one channel, instead of `replay.maxEvents`.' },
      maxAge: { ...ages, doc: 'How long they are kept, instead of `replay.maxAge`.' },
    },
  },
} as const satisfies OptionTable;

/** How much is kept of a channel; nothing with `false`. */
export interface RetentionRule {
  readonly history?: Retention | false | undefined;
}

/** What history has to be told, and what it lets rules of channels say. */
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
