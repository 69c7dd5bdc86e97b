import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { spread } from '../lib/spread.ts';
import { overLimit } from '../protocol/over-limit.ts';
import type { Pinged } from './round-trip.ts';

/** The head of a request. An upgrade request has nothing else. */
export interface RequestHead {
  url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly destroyed: boolean; readonly remoteAddress?: string | undefined };
  /** The URL before a framework removed the mount from it. */
  readonly originalUrl?: string;
}

/** The part of a request that transports need: Node's own over HTTP/1 and HTTP/2, Express's, or Fastify's raw one. */
export interface HttpRequest extends RequestHead, Readable {
  readonly method?: string | undefined;
  readonly httpVersionMajor: number;
  readonly socket: RequestHead['socket'] & { on(event: 'close', listener: () => void): unknown };
  /** The mount that a framework removed from the URL. */
  readonly baseUrl?: string;
  /** The body as a parser in front of the mount read it. */
  readonly body?: unknown;
}

/** The part of a response that transports need. */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly writableFinished?: boolean;
  readonly writableLength?: number;
  shouldKeepAlive?: boolean;
  /** `null` in HTTP/1.1 while earlier responses use the connection, and after the response has ended. */
  readonly socket?: { readonly writableCorked: number; uncork(): void } | null | undefined;
  /** The stream of HTTP/2. Its response emits `finish` however the stream ended. */
  readonly stream?: {
    readonly destroyed?: boolean;
    readonly session?: (Pinged & { close(): void }) | undefined;
    on(event: 'finish', listener: () => void): unknown;
  };
  setHeader(name: string, value: string): unknown;
  appendHeader(name: string, value: string): unknown;
  writeHead(status: number, headers: Record<string, string | number>): unknown;
  write(chunk: string | Uint8Array, written: (error?: Error | null) => void): boolean;
  write(chunk: string): boolean;
  end(): unknown;
  end(body: string | Uint8Array): unknown;
  destroy(): unknown;
  on(event: 'finish' | 'close' | 'socket', listener: () => void): unknown;
}

/** Answers one request. Never throws or rejects. */
export type Handle = (req: HttpRequest, res: HttpResponse) => void | Promise<void>;

/** HT-6: `no-transform` keeps compression in an application from delaying replies. */
export const commonHeaders = {
  'Cache-Control': 'no-cache, no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
};

/** Refuses a whole request, with a status instead of a batch (HT-9). */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  /** The option that would allow it. */
  readonly option: string | undefined;
  /** Whether the log has it already, or need not have it. */
  readonly quiet: boolean;
  /** Whether the connection closes after the answer. */
  readonly isLast: boolean;

  /** The words of the status, and after a colon what is wrong, for people. */
  constructor(
    status: number,
    message: string,
    { option, quiet = false, isLast = false, ...options }: HttpErrorOptions = {},
  ) {
    super(message, options);
    this.status = status;
    this.option = option;
    this.quiet = quiet;
    this.isLast = isLast;
  }
}

interface HttpErrorOptions extends ErrorOptions {
  readonly option?: string;
  readonly quiet?: boolean;
  readonly isLast?: boolean;
}

/** A body or message is larger than `maxMessageSize`. */
export function tooLarge(
  { maxMessageSize }: { readonly maxMessageSize: number },
  options?: ErrorOptions,
): HttpError {
  const why = overLimit('maxMessageSize', maxMessageSize);
  return new HttpError(413, `Request too large: ${why}`, { ...options, option: 'maxMessageSize' });
}

/** What is wrong, without the words of the status. */
export function reasonIn(text: string): string {
  return text.replace(/^[A-Z][a-z]+(?: [a-z]+)*: /, '');
}

/** Answers with a status and a plain text. The text is not JSON, since Faye's Node client parses every body (HT-5). */
export function refuse(
  res: HttpResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  if (res.headersSent) return;
  res.writeHead(status, {
    ...commonHeaders,
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  res.end(text);
}

/** When a client may come again that met a limit, if nothing else is known: 5 to 10 seconds, at random. Milliseconds. */
export function usualPause(): number {
  return spread(5_000);
}

/** The header that tells a client when to come again. `after` is in milliseconds. */
export function comeAgain(after = usualPause()): Record<string, string> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(after / 1000))) };
}

/** SEC-9: how long a peer may read nothing before its connection is cut. Milliseconds. */
export function readingTime({ timeout }: { readonly timeout: number }): number {
  return Math.max(timeout, 10_000);
}
