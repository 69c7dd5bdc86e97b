import { errors } from '../../protocol/errors.ts';
import { isObject, type SubscribeRequest } from '../../protocol/message.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { isDurable, type RetentionRules } from './durable.ts';
import type { History } from './history.ts';
import type { Start } from './replay.ts';

/** The replay that a client asked for with one subscription, and the data of the reply (RP-17). */
export interface ReplayRequest {
  readonly pattern: string;
  /** Absent when the client wants new events only. */
  readonly start?: Start;
  /** Whether no event is missing since the id that the client gave. */
  readonly recovered: boolean;
  /** The lowest id that is still stored, if any. */
  readonly oldest?: number;
}

/** The history, rules and options that decide where a replay starts. */
export interface ReplaySource {
  readonly history: History;
  readonly rules: RetentionRules;
  /** Whether the client may read what was published to a pattern. */
  permits(pattern: string): MaybePromise<boolean>;
  readonly options: { readonly maxReplays: number; readonly onGap: 'fail' | 'earliest' };
}

/**
 * Reads from which position each subscription is replayed. Only the entry with the subscription's own text counts (RP-3), and
 * only for durable channels (RP-4). Throws `BayeuxError` for a pattern whose history the client may not read, for an
 * invalid position, for a position after which events are gone (RP-5), and when more replays would run than one
 * session may have.
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
    const value = Object.hasOwn(positions, pattern) ? positions[pattern] : null;
    if (value === null || !isDurable(pattern, rules)) continue;
    if (positionOf(value) !== -1 && !(await permits(pattern))) {
      denied.push(pattern);
      continue;
    }
    const replay = await read(pattern, value, history, onGap);
    if (replay === undefined) invalid.push([pattern, textOf(value)]);
    else replays.push(replay);
    if (underWay + replays.length > maxReplays) throw errors.tooManyReplays(maxReplays);
  }
  if (denied.length > 0) throw errors.historyDenied(denied);
  if (invalid.length > 0) throw errors.replayIdInvalid(invalid);
  return replays;
}

async function read(
  pattern: string,
  value: unknown,
  history: History,
  onGap: 'fail' | 'earliest',
): Promise<ReplayRequest | undefined> {
  const position = positionOf(value);
  if (position === undefined) return undefined;
  const { discardedThrough, oldest } = await history.range(pattern);
  const answer = { pattern, recovered: false, ...(oldest !== undefined && { oldest }) };
  if (position === -1) return answer;
  if (position === -2) return { ...answer, start: 'oldest' };
  const isThere = discardedThrough <= position && position <= history.newest;
  if (isThere) return { ...answer, start: position, recovered: true };
  return onGap === 'earliest' ? { ...answer, start: 'oldest' } : undefined;
}

// RP-2: an integer, or an integer as text. Below 0, only -1 and -2 are valid.
function positionOf(value: unknown): number | undefined {
  const text = textOf(value);
  const position = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(position) && position >= -2 ? position : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}
