import type { FoundRule } from '../../channels/channel-rules.ts';
import { UsageError } from '../../lib/usage-error.ts';
import { many } from '../../options/rows.ts';
import type { Given, OptionTable } from '../../options/table.ts';
import {
  type Delivery,
  type Handling,
  OutgoingEvent,
  type OverflowRule,
} from '../../ports/outgoing-event.ts';

const overflowRows = {
  action: {
    kind: 'word',
    words: ['dropOldest', 'dropNewest', 'conflate', 'disconnect'],
    required: true,
    doc: 'What happens when too many events of this rule wait for one session; required.',
  },
  key: {
    kind: 'string',
    pattern: /^(\/([^~/]|~[01])*)*$/,
    what: 'a JSON pointer like /symbol',
    doc: 'For `conflate`, and required there: of the events with the same value here in `data`, only the newest is kept.',
  },
  maxEvents: {
    kind: 'integer',
    unit: 'events',
    min: 1,
    max: many,
    doc: 'Events of this rule that may wait for one session.',
  },
  maxBytes: {
    kind: 'integer',
    unit: 'bytes',
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    doc: 'Size of the events of this rule that may wait.',
  },
  maxAge: {
    kind: 'number',
    unit: 'milliseconds',
    min: 1,
    max: many,
    doc: 'How long an event of this rule may wait.',
  },
} as const satisfies OptionTable;

/** The rows of a channel rule about delivery. */
export const deliveryRuleRows = {
  lazy: {
    kind: 'number',
    unit: 'milliseconds',
    min: 0,
    max: many,
    words: [true, false],
    doc: 'Events wait for the next flush, at most this long; `true` is `maxLazyTimeout`.',
  },
  volatile: {
    kind: 'boolean',
    doc: 'Events leave now or not at all: those that a session cannot take at once are dropped for it.',
  },
  writeDelay: {
    kind: 'number',
    unit: 'milliseconds',
    min: 0,
    max: many,
    doc: 'The option of the same name, for these channels.',
  },
  broadcastToPublisher: { kind: 'boolean', doc: 'The option of the same name, for these channels.' },
  overflow: {
    kind: 'group',
    doc: 'What happens when too many events of this rule wait for one session.',
    rows: overflowRows,
  },
} as const satisfies OptionTable;

/** How events of a channel are delivered. The options of the server decide where a field is unset. */
export interface DeliveryRule {
  readonly lazy?: boolean | number | undefined;
  readonly volatile?: boolean | undefined;
  /** Milliseconds. */
  readonly writeDelay?: number | undefined;
  readonly broadcastToPublisher?: boolean | undefined;
  /** The same object for all channels of one rule. */
  readonly overflow?: OverflowRule | undefined;
}

/** Finds how events of a channel are delivered. */
export interface DeliveryRules {
  /** Whether there is no rule at all. */
  readonly isEmpty: boolean;
  /** Names and patterns with a rule, after an empty text that stands for channels without one. */
  readonly patterns: readonly string[];
  of(channel: string): DeliveryRule;
  /** The rule of a channel, with the place of its pattern in `patterns`. */
  find(channel: string): FoundRule<DeliveryRule>;
  /** The most specific name or pattern with a rule that applies to a channel. */
  patternOf(channel: string): string | undefined;
}

/** How an event is handled: the options of its publisher override the rule of its channel. */
export function handlingBy(
  { lazy = false, volatile = false, writeDelay, overflow }: DeliveryRule,
  options: Delivery,
): Handling {
  if (overflow === undefined && writeDelay === undefined && lazy === false && !volatile) return options;
  return {
    ...options,
    lazy: options.lazy ?? lazy,
    volatile: options.volatile ?? volatile,
    writeDelay,
    overflow,
    isRuled: true,
  };
}

/**
 * An event from another node comes without the overflow rule of its channel, and its write delay: each node applies its own. Whether the
 * event is lazy or volatile was decided where it was published.
 */
export function ruled(event: OutgoingEvent, rules: DeliveryRules): OutgoingEvent {
  if (event.isRuled) return event;
  const { overflow, writeDelay } = rules.of(event.channel);
  return overflow === undefined && writeDelay === undefined
    ? event
    : new OutgoingEvent(event.message, { ...event, overflow, writeDelay, isRuled: true });
}

/** Reads a rule. Throws `UsageError` for one that contradicts itself. */
export function readDeliveryRule(
  { overflow, ...rest }: Given<typeof deliveryRuleRows>,
  place: string,
): DeliveryRule {
  if (overflow === undefined) return rest;
  return { ...rest, overflow: checkedOverflow(overflow, `${place}.overflow`) };
}

function checkedOverflow(overflow: OverflowRule, place: string): OverflowRule {
  const { action, key } = overflow;
  if (action === 'conflate' && key === undefined) {
    throw new UsageError(
      `${place}.key is missing: "conflate" needs to know of what it keeps the newest event, like /symbol`,
    );
  }
  if (action !== 'conflate' && key !== undefined) {
    throw new UsageError(
      `${place}.key is for the action "conflate" alone, not for "${action}": leave it out`,
    );
  }
  return overflow;
}
