import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse, YAMLError } from 'yaml';
import { type ApiKey, KeyRing } from '../http/api/key-ring.ts';
import { modeWith } from '../lib/file-mode.ts';
import type { Log } from '../lib/log.ts';
import { unreadable } from '../lib/unreadable.ts';
import { UsageError } from '../lib/usage-error.ts';
import { checked } from '../options/check.ts';
import { ChannelGrammar } from '../protocol/channel.ts';
import type { Config } from './config.ts';
import { ConfigError } from './config-error.ts';
import { apiKeyPattern, type ProgramOptions, programTable } from './options.ts';

/** All keys of the HTTP API. `single` is the key of `apiKey`. Throws `ConfigError` with the place of a key that is not usable. */
export function apiKeysOf(
  { program, server, places }: Pick<Config, 'program' | 'server' | 'places'>,
  log: Log,
  single: string | undefined,
): readonly ApiKey[] {
  const { apiKeys, apiKeysFile } = program;
  const grammar = new ChannelGrammar(server);
  const usable = (keys: readonly ApiKey[], place: string) => {
    try {
      void new KeyRing(keys, grammar);
      return keys;
    } catch (cause) {
      throw cause instanceof UsageError ? misplaced(place, cause.message, cause) : cause;
    }
  };
  const place = places.get('apiKeys') ?? 'apiKeys';
  const own: readonly ApiKey[] =
    single === undefined ? [] : [{ name: 'default', key: single, rights: ['admin'] }];
  const listed = usable([...own, ...namedKeys(apiKeys)], place);
  if (apiKeysFile === undefined) return listed;
  return usable([...listed, ...usable(keysIn(apiKeysFile, log), apiKeysFile)], apiKeysFile);
}

function namedKeys(keys: ProgramOptions['apiKeys']): readonly ApiKey[] {
  return Object.entries(keys).map(([name, fields]) => ({ name, ...fields }));
}

function keysIn(file: string, log: Log): readonly ApiKey[] {
  const content = contentOf(file);
  warnIfOpen(file, 0o022, log, 'other users can add keys to the file of API keys: chmod go-w');
  try {
    const { apiKeys } = programTable;
    // `checked` throws unless the content has this type.
    const keys = namedKeys(checked(apiKeys, 'apiKeys', content) as ProgramOptions['apiKeys']);
    if (keys.length > 0) return keys;
  } catch (cause) {
    throw cause instanceof UsageError ? misplaced(file, cause.message, cause) : cause;
  }
  throw misplaced(file, 'the file holds no key: make one with bayeuxd key, or leave out apiKeysFile');
}

function contentOf(file: string): unknown {
  const text = read('apiKeysFile', file);
  try {
    return parse(text) ?? {};
  } catch (cause) {
    if (!(cause instanceof YAMLError)) throw cause;
    const [message = ''] = cause.message.split('\n', 1);
    throw misplaced(file, `this is neither YAML nor JSON: ${message.replace(/:$/, '')}`, cause);
  }
}

function misplaced(place: string, message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ key: 'apiKeys', place, message }], { cause });
}

/**
 * The key of the HTTP API: as configured, generated, or read from its file. Warns if other users can access
 * the file. Throws `ConfigError` if the file holds no key.
 */
export function apiKeyOf({ apiKey, apiKeyFile }: ProgramOptions, log: Log): string | undefined {
  if (apiKeyFile !== undefined) return singleKeyIn(apiKeyFile, log);
  return apiKey === 'generate' ? randomBytes(16).toString('hex') : apiKey;
}

function singleKeyIn(file: string, log: Log): string {
  const key = read('apiKeyFile', file).replace(/\r?\n$/, '');
  if (!apiKeyPattern.test(key) || key === 'generate')
    throw unusable(
      'apiKeyFile',
      file,
      'holds no key: it must be one line of at least 8 characters without spaces',
    );
  warnIfOpen(file, 0o077, log, 'other users can access the file with the API key: chmod 600');
  return key;
}

function warnIfOpen(file: string, bits: number, log: Log, why: string): void {
  const mode = modeWith(bits, file);
  if (mode !== undefined)
    log({ level: 'warn', event: 'api.key_file_open', file, mode, why: `${why} ${file}` });
}

function read(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw unusable(option, file, `cannot be read: ${unreadable(code)}`, cause);
  }
}

function unusable(option: string, file: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([{ key: option, place: option, message: `${file} ${why}` }], { cause });
}
