import { parsed } from '../lib/parsed.ts';
import { ClientError } from './client-error.ts';

/** A message from a server, as it came. */
export interface Incoming {
  readonly [field: string]: unknown;
}

/** A message to a server. Its id tells which reply is its own. */
export interface Outgoing extends Incoming {
  readonly id: string;
}

/** How a server is spoken to. */
export interface LinkOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates that are trusted besides the usual ones. PEM. */
  readonly ca?: Buffer | undefined;
  /** Whether any certificate will do. */
  readonly insecure: boolean;
}

/** Carries messages to a server and back. */
export interface Link {
  readonly connectionType: 'long-polling' | 'websocket';
  /** Sends a batch. Resolves with all that came for it, events in between included; what comes otherwise is handed on by itself. */
  exchange(batch: readonly Outgoing[], signal?: AbortSignal): Promise<readonly Incoming[]>;
  close(): void;
}

/** Whether a message is the reply to a request, and no event. */
export function isReply(message: Incoming): boolean {
  return typeof message.id === 'string' && !('data' in message);
}

/** Reads a batch of messages. Throws `ClientError` when it is none. */
export function batchOf(text: string, url: string): Incoming[] {
  const batch = parsed(text);
  if (Array.isArray(batch) && batch.every(isMessage)) return batch;
  throw new ClientError(`${url} does not speak Bayeux`);
}

function isMessage(value: unknown): value is Incoming {
  return typeof value === 'object' && value !== null;
}
