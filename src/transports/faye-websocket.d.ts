/** The part of `faye-websocket` that is used; it brings no types. */
declare module 'faye-websocket' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingHttpHeaders } from 'node:http';
  import type { Duplex } from 'node:stream';

  export interface UpgradeRequest {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly headers: IncomingHttpHeaders;
  }

  /** A message as an extension sees it. */
  export interface Message {
    readonly rsv1: boolean;
    data: Buffer;
  }

  export type Processed = (error: Error | null, message: Message | null) => void;

  export interface ExtensionSession {
    generateResponse(): Readonly<Record<string, true | number>>;
    processIncomingMessage(message: Message, processed: Processed): void;
    processOutgoingMessage(message: Message, processed: Processed): void;
    close(): void;
  }

  export interface Extension {
    readonly name: string;
    readonly type: 'permessage';
    readonly rsv1: boolean;
    readonly rsv2: boolean;
    readonly rsv3: boolean;
    createServerSession(offers: readonly Readonly<Record<string, unknown>>[]): ExtensionSession | null;
  }

  export interface Options {
    readonly maxLength: number;
    readonly extensions: readonly Extension[];
  }

  /** Answers the handshake in the next tick, reads, and answers pings. */
  export class WebSocket extends EventEmitter {
    onopen: ((this: WebSocket) => void) | null;
    onerror: ((this: WebSocket, event: { readonly message: string }) => void) | null;
    onmessage: ((this: WebSocket, event: { readonly data: string | Buffer }) => void) | null;
    /** Nothing more is read. */
    onclose: ((this: WebSocket) => void) | null;
    constructor(
      request: UpgradeRequest,
      socket: Duplex,
      head: Buffer,
      protocols: readonly string[],
      options: Options,
    );
    ping(message: string, ponged: () => void): boolean;
    /** Fields of `websocket-driver` itself; package.json has the versions that are known to have them. */
    readonly _driver: {
      parse(chunk: Buffer): void;
      /** Pieces of the unfinished frame. */
      readonly _reader: { readonly _queue: Buffer[]; readonly _queueSize: number };
      /** The unfinished message, if it has fragments. */
      readonly _message?: { readonly length: number; readonly _chunks: readonly Buffer[] };
    };
    static isWebSocket(request: UpgradeRequest): boolean;
    static readonly Client: typeof Client;
  }
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
  export default WebSocket;
}
