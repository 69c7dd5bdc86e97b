/** What the log says of a connection that TLS refused, since a certificate does not fit. Undefined for other errors. */
export function tlsProblem(error: Error, authorizationError?: unknown): string | undefined {
  const code = authorizationError ?? ('code' in error ? error.code : undefined);
  if (typeof code !== 'string' || !/CERT|_CA$|UNABLE_TO_|^ERR_SSL_|^ERR_TLS_/.test(code)) return undefined;
  return `a certificate does not fit (${code}): check "cluster.tls" of both nodes`;
}
