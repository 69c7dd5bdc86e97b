import { isIP } from 'node:net';

/** Where a link listens: a TCP port, or a socket file. */
export type LinkAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Reads `host:port`, `[IPv6]:port` or the path of a socket file. Undefined for anything else. */
export function linkAddress(text: string): LinkAddress | undefined {
  if (text.startsWith('/')) return { path: text };
  const [, v6, name = '', digits] = /^(?:\[([^\]]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  if (v6 !== undefined) return isIP(v6) === 6 ? { host: v6, port } : undefined;
  return { host: name, port };
}

/** The text of an address, as `linkAddress` reads it. */
export function textOf(address: LinkAddress): string {
  if ('path' in address) return address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
