import type { Advice } from '../protocol/message.ts';
import type { ResolvedOptions } from './options/options.ts';
import type { Timing } from './timing.ts';

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
  /** One tab too many: poll (A-multi). */
  | 'multi'
  /** The events come by another way: connect once a period, as a heartbeat (A-sse). */
  | 'heartbeat';

/** ADV-5: what keeps a failure that may recur from being repeated many times a second. Milliseconds. */
const BREATHER = 1000;

/** Makes advice; always complete (ADV-1). */
export class Advisor {
  readonly #options: ResolvedOptions;

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  advise(kind: AdviceKind, timing: Timing): Advice {
    const { advice, hosts } = this.#options;
    const failed = kind === 'handshake' || kind === 'again' || kind === 'later' || kind === 'none';
    return {
      ...this.#core(kind, timing),
      ...(advice.maxInterval && Number.isFinite(timing.maxInterval) && { maxInterval: timing.maxInterval }),
      ...(failed && hosts.length > 0 && { hosts }),
    };
  }

  #core(kind: AdviceKind, { timeout, interval }: Timing): Advice {
    switch (kind) {
      case 'retry':
        return { reconnect: 'retry', interval, timeout };
      case 'handshake':
        return { reconnect: 'handshake', interval: 0, timeout };
      case 'again':
        return { reconnect: 'handshake', interval: BREATHER, timeout };
      case 'later':
        return { reconnect: 'retry', interval: BREATHER, timeout };
      case 'none':
        return { reconnect: 'none', interval: 0, timeout };
      case 'multi':
        return {
          reconnect: 'retry',
          interval: this.#options.multiSessionInterval,
          timeout,
          'multiple-clients': true,
        };
      case 'heartbeat':
        return { reconnect: 'retry', interval: timeout, timeout: 0 };
    }
  }
}
