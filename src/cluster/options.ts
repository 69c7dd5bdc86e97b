import { readFileSync } from 'node:fs';
import { UsageError } from '../lib/usage-error.ts';
import { unreadable } from '../lib/unreadable.ts';
import type { OptionPart } from '../options/parts.ts';
import { group } from '../options/rows.ts';
import type { OptionTable, Resolved } from '../options/table.ts';
import { linkAddress } from './address.ts';
import type { LinkParts } from './linked-peers.ts';

const address = {
  kind: 'string',
  pattern: /^(\/.|(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$)/,
  what: 'host:port, [IPv6]:port or the path of a socket file',
} as const;

const file = { kind: 'string', pattern: /./, what: 'a file name' } as const;

const rows = {
  cluster: group(
    'Links to the other nodes of a cluster, by which requests reach the node of their session.',
    {
      listen: {
        ...address,
        doc: 'Address that takes the links of other nodes: a TCP port, or a socket file for nodes on one machine.',
      },
      advertise: {
        ...address,
        doc: 'Address at which other nodes reach this one; unset means `cluster.listen`.',
      },
      secret: {
        kind: 'string',
        pattern: /^(?!<redacted>$)(?=.{32,})/s,
        what: 'at least 32 characters, not `<redacted>`',
        secret: true,
        doc: 'Shared secret by which nodes prove themselves to each other. A socket file needs none.',
      },
      tls: group(
        'Encrypts the links. All nodes need certificates of one authority, for the names they advertise.',
        {
          certFile: { ...file, doc: 'File with the certificate of this node, in PEM.' },
          keyFile: { ...file, doc: 'File with its private key, in PEM.' },
          caFile: { ...file, doc: 'File with the certificate of the authority, in PEM.' },
        },
      ),
    },
  ),
} as const satisfies OptionTable;

/** The options of links. */
export type ClusterOptions = Resolved<typeof rows>;

/** How a node is linked: where it listens, and what other nodes are told. */
export interface LinkSettings extends Pick<LinkParts, 'listen' | 'secret' | 'tls'> {
  /** Where others reach this node; absent if that is the address that `LinkedPeers.open` resolves to. */
  readonly advertise?: string;
}

/** The options of links, and what contradicts each other in them. */
export const clusterOptions = {
  sections: { Cluster: rows },
  refuse({ cluster }: ClusterOptions): void {
    const { listen, advertise, secret, tls } = cluster;
    const { certFile, keyFile, caFile } = tls;
    const files = [certFile, keyFile, caFile].filter((name) => name !== undefined);
    if (listen === undefined) {
      refuseIdle({ advertise, secret, tls: files[0] });
      return;
    }
    const at = place('listen', listen);
    if (advertise !== undefined) refusePlace(advertise, at);
    if (files.length === 1 || files.length === 2)
      throw new UsageError('cluster.tls needs certFile, keyFile and caFile: give all three');
    if ('path' in at) {
      if (files.length > 0) throw new UsageError('cluster.tls has no effect on a socket file: leave it out');
      return;
    }
    if (secret === undefined)
      throw new UsageError('cluster.listen on a TCP port needs cluster.secret, the same on all nodes');
    if (advertise === undefined && isAny(at.host))
      throw new UsageError(
        `cluster.listen "${listen}" is no address that other nodes can reach: set cluster.advertise`,
      );
  },
} as const satisfies OptionPart;

/** How the options say that this node is linked; undefined if it is not. Reads the files. Throws `UsageError`. */
export function linkSettings({ cluster }: ClusterOptions): LinkSettings | undefined {
  const { listen, advertise, secret = '', tls } = cluster;
  if (listen === undefined) return undefined;
  const { certFile, keyFile, caFile } = tls;
  return {
    listen,
    secret,
    ...(advertise !== undefined && { advertise }),
    ...(certFile !== undefined &&
      keyFile !== undefined &&
      caFile !== undefined && {
        tls: { cert: read('certFile', certFile), key: read('keyFile', keyFile), ca: read('caFile', caFile) },
      }),
  };
}

function refuseIdle(others: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(others))
    if (value !== undefined) throw new UsageError(`cluster.${name} has no effect without cluster.listen`);
}

function place(name: string, text: string) {
  const at = linkAddress(text);
  if (at === undefined)
    throw new UsageError(`cluster.${name} "${text}" is no address: a port is at most 65535`);
  return at;
}

function refusePlace(advertise: string, listen: ReturnType<typeof place>): void {
  const at = place('advertise', advertise);
  if ('path' in at !== 'path' in listen)
    throw new UsageError('cluster.advertise and cluster.listen must both be a port, or both a socket file');
  if ('port' in at && (at.port === 0 || isAny(at.host)))
    throw new UsageError(`cluster.advertise "${advertise}" is no address that other nodes can reach`);
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new UsageError(`cluster.tls.${name} "${path}" cannot be read: ${unreadable(code)}`, { cause });
  }
}
