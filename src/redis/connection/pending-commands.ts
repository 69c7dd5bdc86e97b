import type { Clock } from '../../lib/clock.ts';
import type { RedisLine } from './line.ts';
import { RedisError, wordOf } from './redis-error.ts';

/** A line in use, and the commands that wait for an answer on it. Each is settled, whatever the library does. */
export class PendingCommands {
  readonly line: RedisLine;
  readonly #clock: Clock;
  readonly #rejects = new Set<(error: RedisError) => void>();

  constructor(line: RedisLine, clock: Clock) {
    this.line = line;
    this.#clock = clock;
  }

  /** Sends a command. Calls `late` when there is no answer after so many milliseconds. */
  send(args: readonly string[], ms: number, late: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(ms, late);
      const settle = (): void => {
        timer.cancel();
        this.#rejects.delete(fail);
      };
      const fail = (error: RedisError): void => {
        settle();
        reject(error);
      };
      this.#rejects.add(fail);
      this.line.send(args).then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error: unknown) => fail(asRedisError(error)),
      );
    });
  }

  /** Destroys the line. The outcome of each command that waits is unknown. */
  abandon(reason: Error): void {
    for (const reject of this.#rejects) reject(new RedisError('unknown', reason.message, reason));
    this.line.destroy();
  }
}

function asRedisError(error: unknown): RedisError {
  if (error instanceof RedisError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new RedisError(wordOf(message) === '' ? 'unknown' : 'refused', message, error);
}
