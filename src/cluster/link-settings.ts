import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import { type LinkAddress, linkAddress } from './address.ts';

/** Certificate, key and authority of the links, in PEM. Each side proves itself to the other. */
export interface LinkTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca: string | Buffer;
}

/** How a node reaches the others. */
export interface ClusterSettings {
  /**
   * Where this node takes links: `host:port`, `[IPv6]:port`, or the path of a socket file. Port 0 takes any free one. If absent, it is
   * reached through Redis.
   */
  readonly listen?: string;
  /** Where others reach this node; absent if that is where it listens. */
  readonly advertise?: string;
  /** The same on all nodes: at least 32 characters. A socket file needs none, nor do nodes that are reached through Redis. */
  readonly secret?: string;
  readonly tls?: LinkTls;
}

/** Settings of a node that takes links. */
export type LinkSettings = ClusterSettings & { readonly listen: string };

/** Whether the node takes links. */
export function hasLinks(settings: ClusterSettings | undefined): settings is LinkSettings {
  return settings?.listen !== undefined;
}

const names: Record<keyof ClusterSettings, true> = { listen: true, advertise: true, secret: true, tls: true };

/** Checks settings that code gave. Throws `UsageError` that begins with the name of the setting: `cluster.listen`. */
export function checkCluster(given: ClusterSettings): void {
  checkNames(given, { what: 'cluster', functions: [], others: Object.keys(names) });
  const { listen, advertise, secret, tls } = given;
  const at = listen === undefined ? undefined : placeOf('listen', listen);
  if (at === undefined) checkUnlinked(given);
  else if (advertise !== undefined) checkAdvertise(advertise, at);
  if (secret !== undefined && (typeof secret !== 'string' || secret.length < 32))
    throw new UsageError('cluster.secret must be a text of at least 32 characters');
  if (tls !== undefined) checkTls(tls);
  if (at === undefined) return;
  if ('path' in at) {
    if (tls !== undefined) throw new UsageError('cluster.tls has no effect on a socket file: leave it out');
    return;
  }
  if (secret === undefined)
    throw new UsageError('cluster.listen on a TCP port needs cluster.secret, the same on all nodes');
  if (advertise === undefined && isAny(at.host))
    throw new UsageError(
      `cluster.listen "${listen}" is no address that other nodes can reach: set cluster.advertise`,
    );
}

function checkUnlinked({ advertise, tls }: ClusterSettings): void {
  if (advertise !== undefined) throw new UsageError('cluster.advertise has no effect without cluster.listen');
  if (tls !== undefined) throw new UsageError('cluster.tls has no effect without cluster.listen');
}

function checkAdvertise(advertise: unknown, listen: LinkAddress): void {
  const at = placeOf('advertise', advertise);
  if ('path' in at !== 'path' in listen)
    throw new UsageError('cluster.advertise and cluster.listen must both be a port, or both a socket file');
  if ('port' in at && (at.port === 0 || isAny(at.host)))
    throw new UsageError(`cluster.advertise "${advertise}" is no address that other nodes can reach`);
}

function placeOf(name: string, given: unknown): LinkAddress {
  const at = typeof given === 'string' ? linkAddress(given) : undefined;
  if (at !== undefined) return at;
  throw new UsageError(
    `cluster.${name} must be host:port, [IPv6]:port or the path of a socket file, with a port of at most 65535, got ${shown(given)}`,
  );
}

function checkTls(tls: unknown): void {
  checkNames(tls, { what: 'cluster.tls', functions: [], others: ['cert', 'key', 'ca'] });
  for (const [name, pem] of Object.entries({
    cert: undefined,
    key: undefined,
    ca: undefined,
    ...Object(tls),
  }))
    if (typeof pem !== 'string' && !Buffer.isBuffer(pem))
      throw new UsageError(`cluster.tls.${name} must be a text or a Buffer in PEM, got ${shown(pem)}`);
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}
