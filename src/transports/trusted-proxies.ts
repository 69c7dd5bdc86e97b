import proxyAddr from 'proxy-addr';
import { UsageError } from '../lib/usage-error.ts';

/** Whose `X-Forwarded-*` is believed: nobody's, that of so many proxies in front, or of those with these addresses. */
export type TrustProxy = false | number | readonly string[];

/** Whether an address is that of a proxy that is believed. `hop` counts the proxies from the server on: 0 is the peer. */
export type Trust = (address: string, hop: number) => boolean;

/** Reads the option `trustProxy`. Throws `UsageError` for an entry that is no address, no range and no name of ranges. */
export function trustOf(trustProxy: TrustProxy): Trust {
  if (trustProxy === false) return () => false;
  if (typeof trustProxy === 'number') return (_address, hop) => hop < trustProxy;
  const known = compiled.get(trustProxy) ?? compile(trustProxy);
  compiled.set(trustProxy, known);
  return known;
}

// Lists of options are frozen, and live as long as their server.
const compiled = new WeakMap<readonly string[], Trust>();

function compile(list: readonly string[]): Trust {
  try {
    return proxyAddr.compile(list);
  } catch (cause) {
    const why = cause instanceof TypeError ? cause.message : String(cause);
    throw new UsageError(`trustProxy has an entry it may not have: ${why}`, { cause });
  }
}
