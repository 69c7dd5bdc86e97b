import type { Clock } from '../../lib/clock.ts';
import { inTime } from '../../lib/in-time.ts';
import { EngineUnavailable } from '../../ports/engine.ts';
import type { RedisConnection } from './redis-connection.ts';
import { RedisError } from './redis-error.ts';

/** How long to ask. */
export interface AskLimit {
  readonly connection: Pick<RedisConnection, 'whenOpen'>;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly hold: number;
}

/**
 * Asks, and asks again when Redis is back, for what may be sent twice. Rejects with `EngineUnavailable` after `hold`, and with the `RedisError`
 * of a command that Redis refused.
 */
export async function askedUntil<T>(
  ask: () => Promise<T>,
  { connection, clock, hold }: AskLimit,
): Promise<T> {
  const until = clock.now() + hold;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RedisError) || error.outcome === 'refused') throw error;
      const limit = { clock, hookTimeout: until - clock.now() };
      await inTime(connection.whenOpen(), 'Redis', limit, () => new EngineUnavailable(error.message));
    }
  }
}
