import { expect, it } from 'vitest';
import { loadConfig } from '../../src/cli/config.ts';
import { printConfig } from '../../src/cli/print-config.ts';
import { problemsOf } from '../support/config-problems.ts';

const url = 'redis://:password@127.0.0.1';

it.each([
  [{ '--redis': 'http://127.0.0.1' }, 'redis.url must be a URL like redis://HOST:PORT'],
  [{ '--redis-namespace': 'chat' }, '--redis-namespace: redis.namespace needs redis.url too'],
  [{ '--redis-durability': 'restart' }, '--redis-durability: redis.durability needs redis.url too'],
  [{ '--redis': url, '--redis-durability': 'failover' }, 'redis.durability must be'],
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
    timeout: 1000,
    keep: 60_000,
  });
  const printed = printConfig(config);
  expect(printed).toContain('redis.url is set (BAYEUXD_REDIS) and not printed');
  expect(printed).not.toContain('password');
});

it('accepts its own printed configuration', () => {
  expect(problemsOf({ '--redis-namespace': 'bayeux', '--redis-timeout': '1000' })).toEqual([]);
});
