import type { CloseReason } from '../../ports/conduit.ts';
import type { LossCause, Refused, Who } from './facts.ts';

/** How long ago something was, in words: `12 s ago`. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 1) return 'just now';
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

/** `1 event`, `2 events` */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** With a capital letter and a full stop. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** `session abc of user alice` */
export const named = ({ session, user }: Who): string =>
  user === undefined ? `session ${session}` : `session ${session} of user ${user}`;

/** How often it was refused, and when last. */
export function timesOf({ times, at }: Refused, now: number): string {
  return times === 1 ? ago(at, now) : `${times} times, the last ${ago(at, now)}`;
}

/** What to do about a refusal, by the option that would allow it. */
export function fixBy({ option }: Refused): string {
  if (option === 'policy') return 'Look at the policy, or the extensions.';
  if (option === 'channels')
    return 'Grant it in the rule of the channel or in the token, or look at the policy.';
  return option === undefined ? 'Correct the client.' : `Correct the client, or set "${option}".`;
}

const again = 'The client has to shake hands and subscribe again; stock clients do so themselves.';

/** Why a session ended, and what to do. */
export const endings: Readonly<Record<CloseReason, readonly [why: string, fix: string]>> = {
  disconnect: [
    'the client disconnected',
    'Look in the client for a call of disconnect, or a page that was left.',
  ],
  disconnected: [
    'the application, or a call of the HTTP API, ended it',
    'Look in the application for disconnect(), and in the log for "api.disconnect".',
  ],
  timeout: [
    'the client was silent for longer than "maxInterval"',
    `${again} Raise "maxInterval" if networks are slow, and set "history" on the channel so that clients get what they missed.`,
  ],
  left: ['its connection closed, and the session lives as long as that', again],
  overflow: [
    'more events waited for the client than "maxQueue" or "maxQueueBytes" allows',
    'Raise "maxQueue" or "maxQueueBytes", or set "overflow" on the channel so that old events are dropped instead.',
  ],
  revoked: [
    'it was revoked, or the policy no longer allows it',
    'Give the user a new token, or look at the policy.',
  ],
  unverified: [
    'the policy was asked again and failed to answer',
    'Look in the log for "policy.failed", or set "revalidateFailure".',
  ],
  expired: ['its token expired', 'Have the client send a new token before the old one expires.'],
  inactive: [
    'the client only connected for too long',
    'Raise the activity limit, or have the client send something.',
  ],
  history: [
    'a replay could not go on: events were discarded meanwhile',
    'Raise the limits of "history", or have the client read faster.',
  ],
  replaced: ['another session took over its connection', again],
  shutdown: ['the server closed', again],
};

/** Why an event was dropped, and what to do. */
export const losses: Readonly<Record<LossCause, readonly [why: string, fix: string]>> = {
  queue: [
    '"maxQueue" or "maxQueueBytes" was reached for the session',
    'Raise "maxQueue" or "maxQueueBytes", or publish less: the client reads more slowly than events come.',
  ],
  volatile: [
    'the event is volatile, and the client could not take it at once',
    'Do not publish it as "volatile" if every client has to get it.',
  ],
  dropOldest: ['the rule of its channel drops the oldest event', raise()],
  dropNewest: ['the rule of its channel drops the newest event', raise()],
  conflate: ['the rule of its channel keeps the newest event of each key', raise()],
  disconnect: ['the rule of its channel ends the session', raise()],
};

function raise(): string {
  return 'Raise "maxEvents", "maxBytes" or "maxAge" of "overflow" in the rule of the channel.';
}
