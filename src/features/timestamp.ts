import type { Clock } from '../lib/clock.ts';
import type { Extension } from '../ports/session.ts';

/** `iso` has a zone mark; `bayeux` is what the specification's profile writes, which JavaScript takes for local time. */
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
    // What was published has the time already, and stays one text for all.
    delivering: (event) => (event.timestamp === undefined ? stamped(event) : event),
  };
}

function timeText(now: number, format: TimestampFormat): string {
  const iso = new Date(now).toISOString();
  return format === 'iso' ? iso : iso.slice(0, -2);
}
