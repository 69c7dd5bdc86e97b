import { createHash } from 'node:crypto';
import { chatRooms } from '../http/pages.ts';
import { heapLimit } from '../lib/heap.ts';
import type { Policy, PolicyRequest } from '../ports/policy.ts';
import type { GivenUser } from '../ports/user.ts';
import { isObject, type JsonObject } from '../protocol/message.ts';
import { configOf, type ResolvedOptions, readOptions } from '../server-options.ts';

const rooms = `${chatRooms}*`;

/** What the chat page needs, by pattern. */
const needed = {
  [rooms]: { history: { maxEvents: 50 }, presence: true },
  '/typing/*': { volatile: true, broadcastToPublisher: false },
  '/service/direct': { addressed: { copy: true, ttl: 3_600_000 } },
} as const;

/**
 * Adds what the chat page needs, except where the operator said something else: in a rule for the same channels, or more, or in one
 * of the options in `places`.
 */
export function withChatOptions(
  options: ResolvedOptions,
  places: ReadonlyMap<string, string>,
): ResolvedOptions {
  const { byPattern } = configOf(options).rules;
  const channels: Record<string, object> = { ...options.channels };
  for (const [pattern, rule] of Object.entries(needed)) {
    const said = coveringPatterns(pattern).flatMap((one) => Object.keys(byPattern[one] ?? {}));
    const added = Object.entries(rule).filter(([key]) => !said.includes(key));
    if (added.length > 0) channels[pattern] = { ...channels[pattern], ...Object.fromEntries(added) };
  }
  const everyone = places.has('presence.everyone') ? options.presence.everyone : 'total';
  return readOptions({ ...options, channels, presence: { ...options.presence, everyone } }, heapLimit());
}

/** The patterns that match all channels of this one: itself, with `*` at its end, and with `**` at each level. */
function coveringPatterns(pattern: string): string[] {
  const segments = pattern.split('/').slice(1);
  const above = segments.map((_, at) => segments.slice(0, at));
  return [
    pattern,
    ...above.map((some) => `/${[...some, '**'].join('/')}`),
    `/${[...segments.slice(0, -1), '*'].join('/')}`,
  ];
}

/**
 * Tells the chat page for whom it is taken. Where `hasGuests`, a client without a user may be a guest: it sends a secret key and a
 * name. The id of the guest is made from the key, so that nobody who sees the id can take it.
 */
export function chatPolicy(hasGuests: boolean): Policy {
  return {
    canHandshake({ user, message }: PolicyRequest) {
      const guest = user ?? (hasGuests ? guestOf(message.ext) : undefined);
      if (guest === undefined) return true;
      if (guest === 'unreadable') return { allow: false, error: unreadable };
      const { id, info = {} } = guest;
      const name = typeof info.name === 'string' ? info.name : id;
      return { allow: true, ...(user === undefined && { user: guest }), ext: { user: { id, name } } };
    },
  };
}

const unreadable = '400:ext.guest:send a key of 20 to 64 letters and digits and a name of 1 to 24 characters';

type Guest = Extract<GivenUser, object>;

function guestOf(ext: JsonObject | undefined): Guest | 'unreadable' | undefined {
  const given = ext?.guest;
  if (given === undefined) return undefined;
  if (!isObject(given)) return 'unreadable';
  const { key, name } = given;
  if (typeof key !== 'string' || !/^[A-Za-z0-9]{20,64}$/.test(key)) return 'unreadable';
  if (typeof name !== 'string' || !/^[^\p{Cc}]{1,24}$/u.test(name)) return 'unreadable';
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 24), info: { name } };
}
