import { countingKey } from '../../lib/address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { Reply, Request } from '../../protocol/message.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';

/** ADV-5: the pause after a failure that may recur. Milliseconds. */
const PAUSE = 1_000;

/** Failed handshakes of one address that may be repeated sooner: so many at once, and one every two seconds. */
const AT_ONCE = 5;
const PER_SECOND = 0.5;

/**
 * Keeps clients from repeating a failed handshake many times a second: the advice of a policy or an extension may ask for that. A few
 * are allowed, since a negotiation has several steps (HS-11).
 */
export class RetryPause {
  readonly #soon: TokenBuckets;
  readonly #addresses = new WeakMap<Request, string>();

  constructor(clock: Clock) {
    this.#soon = new TokenBuckets(clock, PER_SECOND, AT_ONCE);
  }

  /** A handshake came by this conduit. */
  note(request: Request, { address }: Conduit): void {
    this.#addresses.set(request, countingKey(address));
  }

  /** The reply with a pause, if it needs one. */
  apply(reply: Reply, request: Request): Reply {
    const { advice, successful } = reply;
    if (successful || advice === undefined || advice.reconnect === 'none') return reply;
    // ADV-4: an extension that makes a success a failure leaves the advice of the success.
    const again = { ...advice, reconnect: 'handshake' as const };
    if (advice.interval >= PAUSE || this.#mayComeSoon(request)) return { ...reply, advice: again };
    return { ...reply, advice: { ...again, interval: PAUSE } };
  }

  #mayComeSoon(request: Request): boolean {
    const address = this.#addresses.get(request);
    return address !== undefined && this.#soon.take(address) === 0;
  }
}
