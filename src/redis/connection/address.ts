/** Where a Redis or a Sentinel listens. */
export interface Address {
  /** A name, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, with an IPv6 address in brackets. Undefined for anything else. */
export function addressOf(text: string): Address | undefined {
  const [, v6, host = v6, digits] = /^(?:\[([\da-f:]+)\]|([^\s:/@]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** Writes what `addressOf` reads. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
