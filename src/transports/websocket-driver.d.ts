/** The part of `websocket-driver` that is used; it brings no types. */
declare module 'websocket-driver' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingHttpHeaders } from 'node:http';

  export interface UpgradeRequest {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly headers: IncomingHttpHeaders;
  }

  export interface Extension {
    readonly name: string;
    readonly type: 'permessage';
    readonly rsv1: boolean;
    readonly rsv2: boolean;
    readonly rsv3: boolean;
    createServerSession(
      offers: readonly Readonly<Record<string, unknown>>[],
    ): { generateResponse(): Readonly<Record<string, true | number>> } | null;
  }

  export interface Driver {
    /** Emits `data` with what is to be written. */
    readonly io: EventEmitter;
    addExtension(extension: Extension): boolean;
    /** Writes the answer to the handshake, at once. False if it is a refusal. */
    start(): boolean;
  }

  const driver: {
    isWebSocket(request: UpgradeRequest): boolean;
    http(request: UpgradeRequest, options: { readonly protocols: readonly string[] }): Driver;
  };
  export default driver;
}
