import type { BayeuxError } from '../protocol/errors.ts';
import type { AdviceKind } from './advice.ts';

// What a client is told to do when its handshake, or its connect, fails for a reason that has its own rule.
const afterHandshake: Record<string, AdviceKind> = { handshake_not_alone: 'again', server_error: 'again' };
const afterConnect: Record<string, AdviceKind> = {
  session_unknown: 'handshake',
  connection_type_unsupported: 'again',
  handshake_not_alone: 'retry',
  connect_replaced: 'retry',
  session_disconnected: 'none',
  too_many_tabs: 'none',
};

/** The advice that goes with a failed reply on this channel; undefined where none belongs (ADV-1). */
export function adviceAfter(channel: string | undefined, error: BayeuxError): AdviceKind | undefined {
  if (channel === '/meta/handshake') return afterHandshake[error.word] ?? 'none';
  if (channel === '/meta/connect') return afterConnect[error.word] ?? 'later';
  return undefined;
}
