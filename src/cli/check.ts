import type { ApiKey } from '../http/api/key-ring.ts';
import type { Log } from '../lib/log.ts';
import { accessOf, checkAuth } from './access.ts';
import { apiKeyOf, apiKeysOf } from './api-key.ts';
import type { Config } from './config.ts';
import { ConfigError, type Problem } from './config-error.ts';
import { checkFolder } from './history-store.ts';
import { checkSocket, httpServer } from './listener.ts';
import { loadPolicy } from './policy-file.ts';
import { clusterOf, redisEngineOf } from './redis.ts';
import { tracingOf } from './tracing.ts';

/**
 * `bayeuxd --check`: opens the files of the configuration, and changes nothing. Returns in words who may do what, and the cluster of the
 * node. Throws `ConfigError` with all problems.
 */
export async function check(config: Config, log: Log): Promise<readonly string[]> {
  const { program } = config;
  const {
    socket,
    policy,
    history: { path },
    cluster: { listen },
  } = program;
  const problems: Problem[] = [];
  const attempt = async (open: () => unknown) => {
    try {
      await open();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  };
  await attempt(() => httpServer(program));
  if (policy !== undefined) await attempt(() => loadPolicy(policy));
  await attempt(() => checkAuth(config, log));
  let keys: readonly ApiKey[] = [];
  await attempt(() => {
    keys = apiKeysOf(config, log, apiKeyOf(program, log));
  });
  if (path !== undefined) await attempt(() => checkFolder(path));
  await attempt(() => redisEngineOf(config, log));
  await attempt(() => tracingOf(program.tracing, log));
  if (socket !== undefined) await attempt(() => checkSocket(socket));
  if (listen?.startsWith('/')) await attempt(() => checkSocket(listen, 'cluster.listen'));
  if (problems.length > 0) throw new ConfigError(problems);
  return [...accessOf(config, keys), ...clusterOf(config)];
}
