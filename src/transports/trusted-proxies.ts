import proxyAddr from 'proxy-addr';
import { UsageError } from '../lib/usage-error.ts';

/** The proxies whose `X-Forwarded-*` is believed: none, so many in front, or those with these addresses. */
export type TrustProxy = false | number | readonly string[];

/** Whether an address is that of a trusted proxy. `hop` counts proxies from the server on: 0 is the peer. */
export type Trust = (address: string, hop: number) => boolean;

/** Reads the option `trustProxy`. Throws `UsageError` for an entry that is not an address, a range or the name of a range. */
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
