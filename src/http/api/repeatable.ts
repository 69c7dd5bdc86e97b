import { createHash } from 'node:crypto';
import { UsageError } from '../../lib/usage-error.ts';
import type { AnswerLimits } from '../../ports/shared.ts';
import { Problem } from './problem.ts';

/** Limits of the answers that are kept for a repeated request. */
export interface OnceOptions {
  /** How long an answer is kept. Milliseconds; 24 hours if absent. */
  readonly maxAge?: number | undefined;
  /** Memory of all answers. Past it the oldest are forgotten. Bytes; 16 MiB if absent. */
  readonly maxBytes?: number | undefined;
}

/** A request that may come again. */
export interface Repeatable {
  /** Keeps the keys of callers apart. */
  readonly caller: string;
  /** The header `Idempotency-Key`. */
  readonly key: string | undefined;
  /** What another request with the same key must have in common. */
  readonly path: string;
  readonly body: unknown;
}

/** The answer to a request, as JSON. */
export interface OnceAnswer {
  readonly text: string;
  /** Whether it is that of an earlier request. */
  readonly isRepeated: boolean;
}

/**
 * Carries out requests with the same `Idempotency-Key` once, and repeats the first answer. A failed request is forgotten, since it had
 * no effect.
 */
export interface Repeating {
  /** Runs `work`, or finds its first answer. Throws `Problem` for a bad key, and for one that another request has. */
  run(request: Repeatable, work: () => Promise<unknown>): Promise<OnceAnswer>;
}

/** The limits with their defaults. Throws `UsageError` for a bad one. */
export function onceLimits({ maxAge = 86_400_000, maxBytes = 16_777_216 }: OnceOptions = {}): AnswerLimits {
  return { maxAge: checked('maxAge', maxAge, 1), maxBytes: checked('maxBytes', maxBytes, 0) };
}

/** The name of the work: the same for repeated requests. Throws `Problem` for a bad key. */
export function nameOf({ caller, path }: Repeatable, key: string): string {
  return `${caller}\n${path}\n${bare(key)}`;
}

export const reused = (): Problem =>
  new Problem('idempotency_key_reused', 'the Idempotency-Key came before with another body: use a new key');

export const running = (): Problem =>
  new Problem('request_running', 'the first request with this Idempotency-Key still runs: repeat it later', {
    headers: { 'Retry-After': '1' },
  });

// The draft of the header says that the key is a quoted text. Most clients send it bare.
function bare(key: string): string {
  const text = /^"([^"\\]*)"$/.exec(key)?.[1] ?? key;
  if (/^[!-~]{1,255}$/.test(text)) return text;
  throw new Problem(
    'idempotency_key_invalid',
    'the Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID',
  );
}

/** A hash by which bodies are compared. */
export function digestOf(body: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(body) ?? '')
    .digest('base64');
}

function checked(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`idempotency.${name} must be a whole number of at least ${least}, got ${value}`);
}
