import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from '../lib/usage-error.ts';
import type { Policy } from '../ports/policy.ts';
import { Server } from '../server.ts';
import { ConfigError } from './config-error.ts';

const form =
  'write export default { canSubscribe({ session, channel }) { … } }, with canHandshake and canPublish where needed';

/** Loads a policy: the default export of a JavaScript file. Throws `ConfigError`. */
export async function loadPolicy(file: string): Promise<Policy> {
  if (!existsSync(file)) throw unusable(file, 'is not there; correct the path');
  const policy = await defaultOf(file);
  if (policy === undefined) throw unusable(file, `has no default export: ${form}`);
  if (!isObject(policy))
    throw unusable(file, `exports a ${typeof policy} by default, which is no policy: ${form}`);
  try {
    // The constructor of a server checks the policy. This server is never opened.
    void new Server({ policy });
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw unusable(file, cause.message.replace(/^the policy has /, 'has '), cause);
  }
  return policy;
}

function isObject(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null;
}

async function defaultOf(file: string): Promise<unknown> {
  try {
    const loaded: { default?: unknown } = await import(pathToFileURL(resolve(file)).href);
    return loaded.default;
  } catch (cause) {
    throw notLoaded(file, cause);
  }
}

function notLoaded(file: string, cause: unknown): ConfigError {
  if (!(cause instanceof Error)) return unusable(file, `failed while it was loaded: ${cause}`, cause);
  const [message = ''] = cause.message.split('\n', 1);
  if (cause instanceof SyntaxError) return unusable(withLine(file), `is no JavaScript: ${message}`, cause);
  const [, kind, name] = /^Cannot find (package|module) '([^']+)'/.exec(message) ?? [];
  if (kind === 'package')
    return unusable(file, `imports "${name}", which is not installed: npm install ${name}`, cause);
  if (kind === 'module') return unusable(file, `imports a file that is not there: ${name}`, cause);
  if ('code' in cause && cause.code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return unusable(file, 'is no JavaScript: name a file that ends in .js, .mjs or .cjs', cause);
  return unusable(file, `failed while it was loaded: ${message}`, cause);
}

/** The error of an import has no line number; the output of `node --check` has. */
function withLine(file: string): string {
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  const line = /^.*:(\d+)\n/.exec(stderr)?.[1];
  return line === undefined ? file : `${file}:${line}`;
}

function unusable(file: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError([{ key: 'policy', place: 'policy', message: `${file} ${why}` }], { cause });
}
