import { UsageError } from '../../lib/usage-error.ts';
import { group, many, ms } from '../../options/rows.ts';
import type { Given, OptionTable, Resolved } from '../../options/table.ts';
import type { PresentUser } from '../../ports/directory.ts';
import type { Session } from '../../ports/session.ts';
import { isReserved } from './names.ts';

/**
 * Whether a viewer may know that a user is present. Must answer at once. `channel`: where the user is present;
 * `/presence/everyone` for the list of all sessions.
 */
export type Visible = (viewer: Session, user: PresentUser, channel: string) => boolean;

const isVisible = (value: unknown): value is Visible => typeof value === 'function';

const names = { kind: 'list', words: [true, false], what: 'names of members of `user.info`' } as const;

const rows = {
  presence: group('Who is present in a channel, set in `channels`, and on the server.', {
    everyone: {
      kind: 'word',
      words: [false, 'full', 'total'],
      default: false,
      doc: 'Whether `/presence/everyone` lists the users of all sessions (`full`), or gives their number (`total`).',
    },
    grace: ms(10_000, 'How long a user who left stays listed, so that loading a page again changes nothing.'),
    info: {
      ...names,
      default: true,
      doc: 'Whether others see `user.info`, or which members of it.',
    },
    visible: {
      kind: 'word',
      words: ['all'],
      accepts: isVisible,
      inCode: 'a function',
      codeType: 'Visible',
      default: 'all',
      doc: 'Who may see whom: a function of the viewer’s session, the user and the channel. It is called for each viewer with each change.',
    },
    maxBytes: {
      kind: 'integer',
      unit: 'bytes',
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      heapPerOne: 16,
      doc: 'Memory for who is present. One session may use a 16th of the free part; subscriptions above it are refused.',
    },
  }),
} as const satisfies OptionTable;

const ruleRows = {
  presence: {
    kind: 'group',
    off: true,
    doc: 'Tell subscribers of `/presence/<channel>` who subscribes to the channel.',
    rows: {
      grace: {
        kind: 'number',
        unit: 'milliseconds',
        min: 0,
        max: many,
        doc: 'How long a user who left stays listed, instead of `presence.grace`.',
      },
      info: {
        ...names,
        doc: 'Whether others see `user.info`, or which members of it, instead of `presence.info`.',
      },
      mode: {
        kind: 'word',
        words: ['full', 'total'],
        doc: 'Whether viewers get all users and each change, or the number of users at most once a second.',
      },
    },
  },
} as const satisfies OptionTable;

/** The options of presence. */
export type PresenceOptions = Resolved<typeof rows>['presence'];

/** How the users of a channel are listed. */
export interface Listing {
  /** Milliseconds. */
  readonly grace: number;
  readonly info: boolean | readonly string[];
  readonly mode: 'full' | 'total';
}

/** The key `presence` of a channel rule; `false` lists nobody. */
export interface PresenceRule {
  readonly presence?: Listing | false | undefined;
}

type Defaults = { readonly presence: Pick<PresenceOptions, 'grace' | 'info'> };

/** The options of presence, and its keys of a channel rule. */
export const presenceOptions = {
  sections: { Presence: rows },
  ruleRows,
  readRule: ({ presence }: Given<typeof ruleRows>, _place: string, options: Defaults): PresenceRule =>
    presence === undefined ? {} : { presence: listingOf(presence, options) },
  refuse({
    channels,
  }: {
    readonly channels: Readonly<Record<string, { readonly presence?: unknown }>>;
  }): void {
    for (const [pattern, { presence = false }] of Object.entries(channels)) {
      if (presence === false || !isReserved(pattern)) continue;
      throw new UsageError(
        `channels["${pattern}"].presence has no effect: the rule is that of the channel, without "/presence"; for all sessions set presence.everyone`,
      );
    }
  },
} as const;

function listingOf(
  given: NonNullable<Given<typeof ruleRows>['presence']>,
  { presence }: Defaults,
): Listing | false {
  if (given === false) return false;
  const own = given === true ? {} : given;
  return Object.freeze({
    grace: own.grace ?? presence.grace,
    info: own.info ?? presence.info,
    mode: own.mode ?? 'full',
  });
}
