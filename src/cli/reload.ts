import { isDeepStrictEqual } from 'node:util';
import type { ApiKey } from '../http/api/key-ring.ts';
import type { Log } from '../lib/log.ts';
import { readsKeys } from '../features/auth/options.ts';
import type { Server } from '../server.ts';
import { apiKeyOf, apiKeysOf } from './api-key.ts';
import { type Config, type Env, type Flags, loadConfig } from './config.ts';
import { ConfigError } from './config-error.ts';
import { type Listener, renewCertificate } from './listener.ts';
import { allOptions } from './options.ts';
import { valueAt } from './print-config.ts';

/** The keys of the HTTP API. A reload replaces `all`. */
export interface CurrentKeys {
  /** The text of `apiKey`, if there is one. */
  readonly single: string | undefined;
  all: readonly ApiKey[];
}

/** The parts of the running program that a reload reads or changes. */
export interface Running {
  readonly config: Config;
  readonly flags: Flags;
  readonly env: Env;
  readonly server: Server;
  readonly listener: Listener;
  readonly keys: CurrentKeys;
  readonly log: Log;
}

/** The options that a reload reads again. */
const reloaded = ['apiKey', 'apiKeyFile', 'apiKeys', 'apiKeysFile', 'tlsCert', 'tlsKey'];

/**
 * Reads the configuration again, then the TLS certificate, the API keys and the keys of tokens that it names. The old ones
 * stay where the new ones are not usable, and the log says why. Other changed options are logged: they need a restart.
 */
export function reload(running: Running): void {
  const { flags, env, config, server, listener, keys, log } = running;
  const done: string[] = [];
  const attempt = <T>(what: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      const why = `${messageOf(error)}; the old ones stay: correct this and send SIGHUP again`;
      log({ level: 'error', event: 'reload.failed', what, why });
      return undefined;
    }
  };

  const next = attempt('the configuration', () => loadConfig(flags, env));
  if (next === undefined) return;
  if (isTls(config) && isTls(next))
    attempt('the TLS certificate', () => {
      renewCertificate(listener, next.program);
      done.push('TLS certificate');
    });
  attempt('the API keys', () => {
    const hadKeys = keys.all.length > 0;
    keys.all = apiKeysOf(next, log, singleKey(running, next));
    if (hadKeys || keys.all.length > 0)
      done.push(`API keys (${keys.all.map(({ name }) => name).join(', ') || 'none'})`);
  });
  if (readsKeys(config.server.auth))
    attempt('the keys of tokens', () => {
      server.reloadKeys();
      done.push('keys of tokens');
    });
  log({ level: 'info', event: 'reloaded', what: done.join(', ') || 'nothing' });
  warnOfOthers(config, next, log);
}

// A failed reload must not stop the server, whatever was thrown.
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll('\n', '; ') : String(error);
}

/** The key of `apiKey`. A generated key stays. */
function singleKey({ config, keys, log }: Running, next: Config): string | undefined {
  if (next.program.apiKey !== 'generate') return apiKeyOf(next.program, log);
  if (config.program.apiKey === 'generate') return keys.single;
  const place = next.places.get('apiKey') ?? 'apiKey';
  const message =
    'apiKey: generate makes a key only when the program starts: set a key, or restart the server';
  throw new ConfigError([{ key: 'apiKey', place, message }]);
}

function warnOfOthers(config: Config, next: Config, log: Log): void {
  const isSwitched = isTls(config) !== isTls(next);
  // Name only options that were set, not those that inherit from a changed one.
  const changed = allOptions
    .filter(({ path }) => config.places.has(path) || next.places.has(path))
    .filter(({ path }) => !reloaded.includes(path) || (isSwitched && path.startsWith('tls')))
    .filter((option) => {
      const [before, after] = [config, next].map(({ program, server }) =>
        valueAt({ ...program, ...server }, option),
      );
      return !isDeepStrictEqual(before, after);
    })
    .map(({ path }) => path);
  if (changed.length === 0) return;
  const why = 'these options changed, and a reload does not read them: restart the server';
  log({ level: 'warn', event: 'reload.incomplete', options: changed, why });
}

function isTls({ program }: Config): boolean {
  return program.tlsCert !== undefined;
}
