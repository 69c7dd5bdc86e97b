import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ClusterSettings, LinkTls } from '../cluster/link-settings.ts';
import { modeWith } from '../lib/file-mode.ts';
import type { Log } from '../lib/log.ts';
import { unreadable } from '../lib/unreadable.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { ClusterOptions } from './cluster-options.ts';

/**
 * How the options say that this node reaches others; undefined if they say nothing. Reads their files, and logs a secret that others may read. Throws
 * `UsageError` that begins with the path of the option.
 */
export function clusterSettings(options: ClusterOptions, log: Log): ClusterSettings | undefined {
  const { listen, advertise, secretFile } = options;
  const secret = secretFile === undefined ? options.secret : secretIn(secretFile, log);
  if (listen === undefined) return secret === undefined ? undefined : { secret };
  const tls = tlsOf(options.tls);
  return {
    listen,
    ...(advertise !== undefined && { advertise }),
    ...(secret !== undefined && { secret }),
    ...(tls !== undefined && { tls }),
  };
}

function secretIn(file: string, log: Log): string {
  const secret = read('secretFile', file).toString().trim();
  if (secret.length < 32)
    throw new UsageError(`cluster.secretFile "${file}" has less than 32 characters: write a longer secret`);
  const mode = modeWith(0o077, file);
  const why = `other users can access the file with the secret of the cluster: chmod 600 ${file}`;
  if (mode !== undefined) log({ level: 'warn', event: 'cluster.secret_file_open', file, mode, why });
  return secret;
}

function tlsOf({ certFile, keyFile, caFile }: ClusterOptions['tls']): LinkTls | undefined {
  if (certFile === undefined || keyFile === undefined || caFile === undefined) return undefined;
  const tls = {
    cert: read('tls.certFile', certFile),
    key: read('tls.keyFile', keyFile),
    ca: read('tls.caFile', caFile),
  };
  try {
    createSecureContext(tls);
    return tls;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cluster.tls.certFile "${certFile}" and the other two files do not fit: ${why}`, {
      cause,
    });
  }
}

function read(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new UsageError(`cluster.${name} "${file}" cannot be read: ${unreadable(code)}`, { cause });
  }
}
