/** The part of `faye-websocket` that is used; it brings no types. */
declare module 'faye-websocket' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex } from 'node:stream';

  export interface ClientOptions {
    readonly headers: Readonly<Record<string, string>>;
    /** As `tls.connect` takes them. */
    readonly tls: { readonly rejectUnauthorized: boolean; readonly ca?: Buffer };
  }

  /** Connects at once. */
  export class Client extends EventEmitter {
    onopen: (() => void) | null;
    onmessage: ((event: { readonly data: string | Buffer }) => void) | null;
    onclose: (() => void) | null;
    /** Of the answer to the handshake. */
    readonly statusCode?: number;
    readonly _stream: Duplex;
    constructor(url: string, protocols: readonly string[], options: ClientOptions);
    send(message: string): boolean;
    close(): void;
  }

  const WebSocket: { readonly Client: typeof Client };
  export default WebSocket;
}
