import type { Clock } from '../lib/clock.ts';
import type { OptionTable } from '../options/table.ts';
import type { FeatureModule } from '../ports/feature.ts';
import type { Extension } from '../ports/session.ts';

/** `iso` ends in `Z`. `bayeux` is the format of the specification without a zone, which JavaScript reads as local time. */
export type TimestampFormat = 'iso' | 'bayeux';

/** Puts the time, in UTC, on every reply and every event (TM-1). */
export function timestamp(clock: Clock, format: TimestampFormat): Extension {
  const stamped = <T extends { readonly timestamp?: string }>(message: T): T => ({
    ...message,
    timestamp: timeText(clock.now(), format),
  });
  return {
    name: 'timestamp',
    publishing: stamped,
    outgoing: stamped,
    // A published event has the time already, and is not changed, so that all receivers share its text.
    delivering: (event) => (event.timestamp === undefined ? stamped(event) : event),
  };
}

function timeText(now: number, format: TimestampFormat): string {
  const iso = new Date(now).toISOString();
  return format === 'iso' ? iso : iso.slice(0, -2);
}

const rows = {
  timestamp: {
    kind: 'word',
    words: [false, 'iso', 'bayeux'],
    default: false,
    doc: 'Adds the time to every reply and event: as ISO 8601, or in the form of the specification, without a time zone.',
  },
} as const satisfies OptionTable;

type Parts = {
  readonly options: { readonly timestamp: false | TimestampFormat };
  readonly clock: Clock;
};

export const timestampModule = {
  sections: { Extensions: rows },
  make: ({ options, clock }: Parts) =>
    options.timestamp === false ? undefined : timestamp(clock, options.timestamp),
} as const satisfies FeatureModule;
