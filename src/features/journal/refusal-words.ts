import type { Refused } from './facts.ts';
import { ago } from './words.ts';

/** What to do about a refusal, by the option that would allow it. */
export function fixBy({ option }: Refused): string {
  if (option === 'policy') return 'Look at the policy, or the extensions.';
  if (option === 'channels')
    return 'Grant it in the rule of the channel or in the token, or look at the policy.';
  return option === undefined ? 'Correct the client.' : `Correct the client, or set "${option}".`;
}

/** How often it was refused, and when last. */
export function timesOf({ times, at }: Refused, now: number): string {
  return times === 1 ? ago(at, now) : `${times} times, the last ${ago(at, now)}`;
}

/** With a capital letter and a full stop. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
