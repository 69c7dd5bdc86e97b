import { errors } from '../../protocol/errors.ts';
import { isObject, type SubscribeRequest } from '../../protocol/message.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { isDurable, type RetentionRules } from './durable.ts';
import type { History } from './history.ts';
import type { Start } from './replay.ts';

/** What a client wants of one subscription's past, and what it is told (RP-17). */
export interface ReplayRequest {
  readonly pattern: string;
  /** Absent when only what is new is wanted. */
  readonly start?: Start;
  /** Whether nothing is missing since the id it gave. */
  readonly recovered: boolean;
  /** The lowest id that is still there, if there is any. */
  readonly oldest?: number;
}

/** What is asked to find out from where to replay. */
export interface ReplaySource {
  readonly history: History;
  readonly rules: RetentionRules;
  /** Whether the client may read what was published to a pattern. */
  permits(pattern: string): MaybePromise<boolean>;
  readonly options: { readonly maxReplays: number; readonly onGap: 'fail' | 'earliest' };
}

/**
 * Reads from where each subscription is to be replayed: only the entry under its own text counts (RP-3), and none where nothing
 * is kept (RP-4). Throws `BayeuxError` for patterns whose past the client may not read, for a position that is none, or whose successors are gone (RP-5), and where there would be
 * more replays under way than one session may have.
 */
export async function replaysOf(
  { ext }: SubscribeRequest,
  patterns: readonly string[],
  { history, rules, options, permits }: ReplaySource,
  underWay: number,
): Promise<readonly ReplayRequest[]> {
  const positions = ext?.replay;
  if (!isObject(positions)) return [];
  const { maxReplays, onGap } = options;
  const replays: ReplayRequest[] = [];
  const invalid: [string, string][] = [];
  const denied: string[] = [];
  for (const pattern of new Set(patterns)) {
    const given = Object.hasOwn(positions, pattern) ? positions[pattern] : null;
    if (given === null || !isDurable(pattern, rules)) continue;
    if (positionOf(given) !== -1 && !(await permits(pattern))) {
      denied.push(pattern);
      continue;
    }
    const replay = await read(pattern, given, history, onGap);
    if (replay === undefined) invalid.push([pattern, textOf(given)]);
    else replays.push(replay);
    if (underWay + replays.length > maxReplays) throw errors.tooManyReplays(maxReplays);
  }
  if (denied.length > 0) throw errors.historyDenied(denied);
  if (invalid.length > 0) throw errors.replayIdInvalid(invalid);
  return replays;
}

async function read(
  pattern: string,
  given: unknown,
  history: History,
  onGap: 'fail' | 'earliest',
): Promise<ReplayRequest | undefined> {
  const position = positionOf(given);
  if (position === undefined) return undefined;
  const { discardedThrough, oldest } = await history.range(pattern);
  const told = { pattern, recovered: false, ...(oldest !== undefined && { oldest }) };
  if (position === -1) return told;
  if (position === -2) return { ...told, start: 'oldest' };
  const isThere = discardedThrough <= position && position <= history.newest;
  if (isThere) return { ...told, start: position, recovered: true };
  return onGap === 'earliest' ? { ...told, start: 'oldest' } : undefined;
}

// RP-2: an integer, or the text of one; -1 and -2 are the only ones below 0.
function positionOf(given: unknown): number | undefined {
  const text = textOf(given);
  const position = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(position) && position >= -2 ? position : undefined;
}

function textOf(given: unknown): string {
  return typeof given === 'number' || typeof given === 'string' ? String(given) : '';
}
