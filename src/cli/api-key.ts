import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { modeWith } from '../lib/file-mode.ts';
import type { Log } from '../lib/log.ts';
import { ConfigError } from './config-error.ts';
import { unreadable } from '../lib/unreadable.ts';
import { apiKeyPattern, type ProgramOptions } from './options.ts';

/**
 * The key of the HTTP API: as configured, generated, or read from its file. Warns if other users can access
 * the file. Throws `ConfigError` if the file holds no key.
 */
export function apiKeyOf({ apiKey, apiKeyFile }: ProgramOptions, log: Log): string | undefined {
  if (apiKeyFile !== undefined) return keyIn(apiKeyFile, log);
  return apiKey === 'generate' ? randomBytes(16).toString('hex') : apiKey;
}

function keyIn(file: string, log: Log): string {
  const key = read(file).replace(/\r?\n$/, '');
  if (!apiKeyPattern.test(key) || key === 'generate')
    throw unusable(file, 'holds no key: it must be one line of at least 8 characters without spaces');
  const mode = modeWith(0o077, file);
  if (mode !== undefined)
    log({
      level: 'warn',
      event: 'api.key_file_open',
      file,
      mode,
      why: `other users can access the file with the API key: chmod 600 ${file}`,
    });
  return key;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw unusable(file, `cannot be read: ${unreadable(code)}`, cause);
  }
}

function unusable(file: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([{ key: 'apiKeyFile', place: 'apiKeyFile', message: `${file} ${why}` }], { cause });
}
