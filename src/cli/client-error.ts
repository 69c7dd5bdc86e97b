import { printable } from '../lib/printable.ts';

/** The server cannot be reached, does not speak Bayeux, or refuses. */
export class ClientError extends Error {
  override readonly name = 'ClientError';

  // The text may come from a server, whose control characters must not reach the terminal.
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** A command-line argument is wrong, so no request is sent. */
export class ArgumentError extends ClientError {}

/** The server has nothing with this name or id. */
export class NothingFound extends ClientError {}

/** The error of a failed connection, with the cause and its fix in words. */
export function unreachable(url: string, error: unknown): ClientError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const why = certificateFaults[code];
  const mixed = mixedUp(url, code);
  if (mixed !== undefined) return new ClientError(mixed, { cause: error });
  if (why === undefined) {
    const hint = hints[code] ?? '';
    return new ClientError(`cannot reach ${new URL(url).origin} (${code})${hint}`, { cause: error });
  }
  return new ClientError(`the certificate of ${new URL(url).host} ${why}`, { cause: error });
}

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: ': nothing listens there; start it, or correct the port',
  ENOTFOUND: ': there is no host of this name',
};

// A TLS server closes a connection that sends plain HTTP; the answer of a plain server is not TLS.
function mixedUp(url: string, code: string): string | undefined {
  const isSecure = /^(https|wss):/.test(url);
  if (isSecure && /^(EPROTO|ERR_SSL_)/.test(code))
    return `the server does not speak TLS there: write ${url.replace(/^(http|ws)s:/, '$1:')}`;
  if (!isSecure && /^(ECONNRESET|HPE_INVALID_CONSTANT)$/.test(code))
    return `the server hung up (${code}); if it speaks TLS there, write ${url.replace(/^(http|ws):/, '$1s:')}`;
  return undefined;
}

const orAny = 'or accept any certificate with --insecure';
const bySelf = `is self-signed: name its file with --ca cert.pem, ${orAny}`;
const byUnknown = `has an unknown issuer: name the certificate of the issuer with --ca issuer.pem, ${orAny}`;

const certificateFaults: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: bySelf,
  SELF_SIGNED_CERT_IN_CHAIN: byUnknown,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: byUnknown,
  UNABLE_TO_GET_ISSUER_CERT: byUnknown,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: byUnknown,
  CERT_HAS_EXPIRED: `has expired: it must be renewed; --insecure accepts it`,
  ERR_TLS_CERT_ALTNAME_INVALID: `is for another host: use the name it is for, ${orAny}`,
};
