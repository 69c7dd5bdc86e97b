import { expect, it } from 'vitest';
import { loadConfig } from '../../src/cli/config.ts';
import { ConfigError, type Problem } from '../../src/cli/config-error.ts';
import { redisEngineOf } from '../../src/cli/redis.ts';
import { silent } from '../../src/lib/log.ts';
import { printConfig } from '../../src/cli/print-config.ts';
import { problemsOf } from '../support/config-problems.ts';

const url = 'redis://:password@127.0.0.1';

it.each([
  [{ '--redis': 'http://127.0.0.1' }, 'redis.url must be a URL like redis://HOST:PORT'],
  [{ '--redis-namespace': 'chat' }, '--redis-namespace: redis.namespace needs redis.url too'],
  [{ '--redis-durability': 'restart' }, '--redis-durability: redis.durability needs redis.url too'],
  [{ '--redis': url, '--redis-durability': 'all' }, 'redis.durability must be'],
  [{ '--redis-sentinels': 'redis://10.0.0.5' }, '--redis-sentinels: redis.sentinels needs redis.url too'],
  [{ '--redis-away': 'local' }, '--redis-away: redis.away needs redis.url too'],
  [{ '--redis': url, '--redis-namespace': 'a{b' }, 'without braces'],
  [
    { '--redis': url, '--history-path': '/x', '--channels': '{"/x":{"history":true}}' },
    '--history-path: history.path and redis.url exclude each other',
  ],
])('refuses %o', (flags, words) => {
  const problems = problemsOf(flags);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
  expect(problems[0]).not.toContain('password');
});

it('takes the URL from a flag, a variable or the file, and never prints it', () => {
  const config = loadConfig(() => undefined, { BAYEUXD_REDIS: url });
  expect(config.program.redis).toEqual({
    url,
    namespace: 'bayeux',
    durability: 'none',
    away: 'wait',
    timeout: 1000,
    keep: 60_000,
  });
  const printed = printConfig(config);
  expect(printed).toContain('redis.url is set (BAYEUXD_REDIS) and not printed');
  expect(printed).not.toContain('password');
});

it('never prints Sentinels, which may have a password', () => {
  const config = loadConfig(() => undefined, {
    BAYEUXD_REDIS: 'redis://chat',
    BAYEUXD_REDIS_SENTINELS: 'redis://:hush@10.0.0.5:26379',
  });
  expect(config.program.redis.sentinels).toEqual(['redis://:hush@10.0.0.5:26379']);
  const printed = printConfig(config);
  expect(printed).toContain('redis.sentinels is set (BAYEUXD_REDIS_SENTINELS) and not printed');
  expect(printed).not.toContain('hush');
});

it.each([
  [{ url: 'redis://10.0.0.5:6379', sentinels: 'redis://10.0.0.6' }, 'redis.url', 'the name of the master'],
  [
    { url: 'redis://chat', sentinels: 'redis://10.0.0.6', durability: 'restart' },
    'redis.durability',
    'failover',
  ],
])('says which option %o has to be changed', ({ url: given, ...others }, key, words) => {
  const flags = Object.entries(others).map(([name, value]) => [`--redis-${name}`, value]);
  const all = Object.fromEntries([['--redis', given], ...flags]);
  const config = loadConfig((flag) => all[flag], {});
  const [problem] = thrownBy(() => redisEngineOf(config, silent));
  expect(problem).toMatchObject({ key, message: expect.stringContaining(words) });
});

function thrownBy(make: () => unknown): readonly Problem[] {
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}

it('accepts its own printed configuration', () => {
  expect(problemsOf({ '--redis-namespace': 'bayeux', '--redis-timeout': '1000' })).toEqual([]);
});
