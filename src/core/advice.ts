import type { BayeuxError } from '../protocol/errors.ts';
import type { Advice } from '../protocol/message.ts';
import type { Timing } from '../ports/transport.ts';

/** What a client may be told to do next, by the name the protocol notes give it. */
export type AdviceKind =
  /** Connect again (A-retry). */
  | 'retry'
  /** The session is unknown: start over at once (A-handshake). */
  | 'handshake'
  /** Start over, but not in a tight loop (A-again, ADV-5). */
  | 'again'
  /** Connect again, but not in a tight loop (A-later, ADV-5). */
  | 'later'
  /** Stop (A-none). */
  | 'none'
  /** The events come by another way: connect once a period, as a heartbeat (A-sse). */
  | 'heartbeat';

/** ADV-5: a failure that may recur must not be repeated many times a second. Milliseconds. */
const PAUSE = 1000;

interface Kind {
  readonly reconnect: Advice['reconnect'];
  /** Before the next request, in milliseconds; by default the interval of the transport. */
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

// The advice that goes with a failed handshake or connect, where the error has its own rule.
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
  user_mismatch: 'none',
};

/** The advice that goes with a failed reply on this channel; undefined where none belongs (ADV-1). */
export function adviceAfter(channel: string | undefined, error: BayeuxError): AdviceKind | undefined {
  if (channel === '/meta/handshake') return afterHandshake[error.code] ?? 'none';
  if (channel === '/meta/connect') return afterConnect[error.code] ?? 'later';
  return undefined;
}

/** What advice carries besides. */
interface AdviceOptions {
  readonly advice: { readonly maxInterval: boolean };
  readonly hosts: readonly string[];
}

/** Makes advice; always complete (ADV-1). */
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
