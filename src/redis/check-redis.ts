import { UsageError } from '../lib/usage-error.ts';
import type { Durability } from './durability.ts';
import type { ResolvedRedisOptions } from './engine-options.ts';
import type { RedisConnection } from './connection/redis-connection.ts';
import { RedisError } from './connection/redis-error.ts';
import { listOf, textOf } from './reply.ts';

/**
 * Looks at a Redis before it is used. Throws `UsageError` for one that cannot carry a cluster; calls `warn` for settings that do not fit.
 * A connection that breaks meanwhile is waited for.
 */
export async function checkRedis(
  connection: RedisConnection,
  { durability, clusterNodes }: Pick<ResolvedRedisOptions, 'durability' | 'clusterNodes'>,
  warn: (why: string) => void,
): Promise<void> {
  for (;;) {
    await connection.whenOpen();
    try {
      checkServer(await infoOf(connection, warn), clusterNodes !== undefined);
      return checkSettings(await settingsOf(connection, warn), durability, warn);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
    }
  }
}

function checkServer(info: string, mayBeInCluster: boolean): void {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const version = field('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < 7)
    throw new UsageError(`Redis 7.0 or later is needed, and this is ${version}: use a newer one, or Valkey`);
  // Valkey calls it `server_mode`.
  const mode = field('redis_mode') ?? field('server_mode');
  if (mode === 'cluster' && !mayBeInCluster)
    throw new UsageError('this is a node of a Redis Cluster: name other nodes of it in clusterNodes');
  if (mode === 'sentinel')
    throw new UsageError(
      'this is a Sentinel, which keeps no data: put it into sentinels, and give the name of the master, such as redis://mymaster',
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
  for (const { name, wanted, fits, without } of needs[durability]) {
    const value = settings.get(name);
    if (value !== undefined && !fits(value))
      warn(
        `durability "${durability}" needs a Redis with ${name} ${wanted}, and this one has ${value}: ${without}; set ${name} ${wanted}, or durability "none"`,
      );
  }
}

interface Need {
  readonly name: string;
  readonly wanted: string;
  readonly fits: (value: string) => boolean;
  /** What happens without it. */
  readonly without: string;
}

const must = (name: string, wanted: string): Need => ({
  name,
  wanted,
  fits: (value) => value === wanted,
  without: 'a restart may lose what was accepted, and nobody is told',
});

const needs: Readonly<Record<Durability, readonly Need[]>> = {
  none: [],
  restart: [must('appendonly', 'yes'), must('appendfsync', 'always')],
  failover: [
    must('appendonly', 'yes'),
    {
      name: 'min-replicas-to-write',
      wanted: '1',
      fits: (value) => Number(value) >= 1,
      without: 'a master that is cut off from its replicas goes on delivering what nobody confirms',
    },
  ],
};

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
  const names = ['maxmemory-policy', 'appendonly', 'appendfsync', 'min-replicas-to-write'];
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
