import type { Clock } from '../lib/clock.ts';
import { inTime } from '../lib/in-time.ts';
import { EngineUnavailable } from '../ports/engine.ts';
import { errors } from '../protocol/errors.ts';

/** The time that the server leaves an engine, beyond what the engine was told, to fail by itself. Milliseconds. */
const GRACE = 500;

/** The time that an engine has for an answer, and the clock that measures it. */
export interface EngineLimit {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly engineTimeout: number;
}

/**
 * Settles as the engine does. Rejects with `503::engine_unavailable` when the engine says that nobody got it, or does not answer
 * soon after `engineTimeout`.
 */
export function engineAnswer<T>(
  answer: Promise<T>,
  what: string,
  { clock, engineTimeout }: EngineLimit,
): Promise<T> {
  const late = () => new EngineUnavailable(`the engine did not answer within ${engineTimeout} ms: ${what}`);
  return inTime(answer, what, { clock, hookTimeout: engineTimeout + GRACE }, late).catch((error: unknown) => {
    throw error instanceof EngineUnavailable ? errors.engineUnavailable(error.message) : error;
  });
}
