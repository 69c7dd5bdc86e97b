import { UsageError } from '../lib/usage-error.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import { RedisError } from './connection/redis-error.ts';
import { listOf, textOf } from './reply.ts';

/** What a Redis promises of its data when its process ends without warning: that the last second may be lost, or nothing. */
export type Durability = 'none' | 'restart';

/**
 * Looks at a Redis before it is used. Throws `UsageError` for one that cannot carry a cluster; calls `warn` for settings that do not fit.
 * A connection that breaks meanwhile is waited for.
 */
export async function checkRedis(
  connection: RedisConnection,
  durability: Durability,
  warn: (why: string) => void,
): Promise<void> {
  for (;;) {
    await connection.whenOpen();
    try {
      checkServer(await infoOf(connection, warn));
      return checkSettings(await settingsOf(connection, warn), durability, warn);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
    }
  }
}

function checkServer(info: string): void {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const version = field('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < 7)
    throw new UsageError(`Redis 7.0 or later is needed, and this is ${version}: use a newer one, or Valkey`);
  const mode = field('redis_mode');
  if (mode === 'cluster')
    throw new UsageError('this is a node of a Redis Cluster: give the URL of a Redis that stands alone');
  if (mode === 'sentinel')
    throw new UsageError(
      'this is a Sentinel, which keeps no data: give the URL of the Redis that it watches',
    );
}

function checkSettings(
  settings: ReadonlyMap<string, string>,
  durability: Durability,
  warn: (why: string) => void,
): void {
  const policy = settings.get('maxmemory-policy');
  if (policy !== undefined && policy !== 'noeviction')
    throw new UsageError(
      `this Redis may discard any key to make room: set its maxmemory-policy to noeviction, it is ${policy}`,
    );
  if (durability === 'none') return;
  for (const [name, wanted] of [
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
  ] as const) {
    const value = settings.get(name);
    if (value !== undefined && value !== wanted)
      warn(
        `durability "restart" needs a Redis with ${name} ${wanted}, and this one has ${value}: a restart may lose what was accepted, and nobody is told; set ${name} ${wanted}, or durability "none"`,
      );
  }
}

async function infoOf(connection: RedisConnection, warn: (why: string) => void): Promise<string> {
  const why =
    'Redis refuses INFO to this user, so that a restart of Redis may not be seen: allow it with ACL +info';
  return (await allowed(connection, ['INFO', 'server'], warn, why, textOf)) ?? '';
}

async function settingsOf(
  connection: RedisConnection,
  warn: (why: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const why =
    'Redis refuses CONFIG GET to this user, so that its settings are not checked: maxmemory-policy must be noeviction';
  const names = ['maxmemory-policy', 'appendonly', 'appendfsync'];
  const pairs = await allowed(connection, ['CONFIG', 'GET', ...names], warn, why, listOf);
  const texts = pairs?.map(textOf) ?? [];
  return new Map(
    names.flatMap((name) => {
      const value = texts[texts.indexOf(name) + 1];
      return texts.includes(name) && value !== undefined ? [[name, value] as const] : [];
    }),
  );
}

// Undefined where the user of the connection may not ask.
async function allowed<T>(
  connection: RedisConnection,
  args: readonly string[],
  warn: (why: string) => void,
  why: string,
  read: (reply: unknown) => T,
): Promise<T | undefined> {
  try {
    return read(await connection.send(args));
  } catch (error) {
    if (!(error instanceof RedisError) || error.outcome !== 'refused') throw error;
    warn(why);
    return undefined;
  }
}
