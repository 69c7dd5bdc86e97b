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

// The advice that goes with a failed handshake or connect, where the error has its own rule.
const afterHandshake: Record<string, AdviceKind> = { handshake_not_alone: 'again', server_error: 'again' };
const afterConnect: Record<string, AdviceKind> = {
  session_unknown: 'handshake',
  connection_type_unsupported: 'again',
  handshake_not_alone: 'retry',
  connect_replaced: 'retry',
  session_disconnected: 'none',
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

  advise(kind: AdviceKind, timing: Timing): Advice {
    const { advice, hosts } = this.#options;
    const failed = kind === 'handshake' || kind === 'again' || kind === 'later' || kind === 'none';
    return {
      ...usual(kind, timing),
      ...(advice.maxInterval && Number.isFinite(timing.maxInterval) && { maxInterval: timing.maxInterval }),
      ...(failed && hosts.length > 0 && { hosts }),
    };
  }
}

function usual(kind: AdviceKind, { timeout, interval }: Timing): Advice {
  switch (kind) {
    case 'retry':
      return { reconnect: 'retry', interval, timeout };
    case 'handshake':
      return { reconnect: 'handshake', interval: 0, timeout };
    case 'again':
      return { reconnect: 'handshake', interval: PAUSE, timeout };
    case 'later':
      return { reconnect: 'retry', interval: PAUSE, timeout };
    case 'none':
      return { reconnect: 'none', interval: 0, timeout };
    case 'heartbeat':
      return { reconnect: 'retry', interval: timeout, timeout: 0 };
  }
}
