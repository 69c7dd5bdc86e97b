import type { BayeuxError } from '../protocol/errors.ts';
import type { Advice } from '../protocol/message.ts';
import type { Timing } from '../ports/transport.ts';

/** The kinds of advice, by their names in docs/wire.md without `A-`. */
export type AdviceKind =
  /** Connect again (A-retry). */
  | 'retry'
  /** Shake hands again at once: the session is unknown (A-handshake). */
  | 'handshake'
  /** Shake hands again after a pause (A-again, ADV-5). */
  | 'again'
  /** Connect again after a pause (A-later, ADV-5). */
  | 'later'
  /** Stop (A-none). */
  | 'none'
  /** Connect once per period as a heartbeat: events come by a stream (A-sse). */
  | 'heartbeat';

/** ADV-5: the pause after a failure that may recur, so that a client does not repeat it many times a second. Milliseconds. */
const PAUSE = 1000;

interface Kind {
  readonly reconnect: Advice['reconnect'];
  /** Pause before the next request; absent means the interval of the transport. Milliseconds. */
  readonly pause?: number;
  /** Whether the client may try other hosts. */
  readonly failed: boolean;
}

const kinds: Readonly<Record<AdviceKind, Kind>> = {
  retry: { reconnect: 'retry', failed: false },
  handshake: { reconnect: 'handshake', pause: 0, failed: true },
  again: { reconnect: 'handshake', pause: PAUSE, failed: true },
  later: { reconnect: 'retry', pause: PAUSE, failed: true },
  none: { reconnect: 'none', pause: 0, failed: true },
  heartbeat: { reconnect: 'retry', failed: false },
};

// Advice after a failed handshake or connect, by error code.
const afterHandshake: Record<string, AdviceKind> = { handshake_not_alone: 'again', server_error: 'again' };
const afterConnect: Record<string, AdviceKind> = {
  session_unknown: 'handshake',
  connection_type_unsupported: 'again',
  handshake_not_alone: 'retry',
  connect_replaced: 'retry',
  session_disconnected: 'none',
  token_missing: 'none',
  token_invalid: 'none',
  token_expired: 'none',
  token_revoked: 'none',
  user_mismatch: 'none',
};

/** The advice in a failed reply on this channel; undefined if there is none (ADV-1). */
export function adviceAfter(channel: string | undefined, error: BayeuxError): AdviceKind | undefined {
  if (channel === '/meta/handshake') return afterHandshake[error.code] ?? 'none';
  if (channel === '/meta/connect') return afterConnect[error.code] ?? 'later';
  return undefined;
}

/** Options that add fields to advice. */
interface AdviceOptions {
  readonly advice: { readonly maxInterval: boolean };
  readonly hosts: readonly string[];
}

/** Makes advice, always with all fields (ADV-1). */
export class Advisor {
  readonly #options: AdviceOptions;

  constructor(options: AdviceOptions) {
    this.#options = options;
  }

  advise(kind: AdviceKind, { timeout, interval, maxInterval }: Timing): Advice {
    const { advice, hosts } = this.#options;
    const { reconnect, pause = interval, failed } = kinds[kind];
    const isHeartbeat = kind === 'heartbeat';
    return {
      reconnect,
      interval: isHeartbeat ? timeout : pause,
      timeout: isHeartbeat ? 0 : timeout,
      ...(advice.maxInterval && Number.isFinite(maxInterval) && { maxInterval }),
      ...(failed && hosts.length > 0 && { hosts }),
    };
  }
}
