import type { RedisConnection } from './redis-connection.ts';
import { RedisError } from './redis-error.ts';

/**
 * Sends a command that writes. Resolves with its answer when a replica has what it wrote. Rejects with `RedisError`: with an unknown outcome
 * where no replica confirmed within half the time that a command may take; then the connection is opened anew.
 */
export async function sendReplicated(connection: RedisConnection, args: readonly string[]): Promise<unknown> {
  const ms = Math.max(1, Math.floor(connection.timeout / 2));
  const [answer, replicas] = await Promise.allSettled([
    connection.send(args),
    // Both go at once, so that the way to Redis costs no more. Redis carries out what comes on this connection after that later.
    connection.send(['WAIT', '1', String(ms)], ms + connection.timeout),
  ]);
  if (answer.status === 'rejected') throw answer.reason;
  if (replicas.status === 'fulfilled' && Number(replicas.value) >= 1) return answer.value;
  const reason = replicas.status === 'rejected' ? messageOf(replicas.reason) : `within ${ms} ms`;
  const error = new RedisError('unknown', `no replica of Redis confirmed a write: ${reason}`);
  connection.renew(error);
  throw error;
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
