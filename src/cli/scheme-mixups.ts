import type { Refusals } from '../core/refusals.ts';

interface Front {
  on(event: 'tlsClientError', listener: (error: Error & { readonly code?: string }) => void): unknown;
  emit(event: string | symbol, ...args: unknown[]): boolean;
}

/** The first byte of TLS: a handshake record. */
const TLS = 0x16;

const spokeHttp =
  'a client spoke plain HTTP to this port, which serves HTTPS: let it use https:// or wss://, or leave "tlsCert" and "tlsKey" out';
const spokeTls =
  'a client spoke TLS to this port, which serves plain HTTP: let it use http:// or ws://, or set "tlsCert" and "tlsKey"';

/** Logs that a client used `http` instead of `https`, or the reverse: Node closes such a connection without a reason. */
export function hearSchemeMixups(front: Front, isSecure: boolean, refusals: Pick<Refusals, 'note'>): void {
  if (isSecure) {
    front.on('tlsClientError', ({ code }) => {
      if (code === 'ERR_SSL_HTTP_REQUEST')
        refusals.note('scheme.mixed', { option: 'tlsCert', why: spokeHttp });
    });
    return;
  }
  // Not a listener for `clientError`: with one, Node would leave the answer to the listener.
  const { emit } = front;
  front.emit = (event, ...args) => {
    if (event === 'clientError' && isTls(args[0]))
      refusals.note('scheme.mixed', { option: 'tlsCert', why: spokeTls });
    return Reflect.apply(emit, front, [event, ...args]);
  };
}

function isTls(error: unknown): boolean {
  const packet = error instanceof Error && 'rawPacket' in error ? error.rawPacket : undefined;
  return Buffer.isBuffer(packet) && packet[0] === TLS;
}
