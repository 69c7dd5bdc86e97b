import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import { spread } from '../../lib/spread.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { Feature, FeatureHook, FeatureHost, FeatureModule } from '../../ports/feature.ts';
import { NoRoomError } from '../../protocol/errors.ts';
import type { Reply, Request } from '../../protocol/message.ts';
import { AddressRate } from './address-rate.ts';
import { ByteRate } from './byte-rate.ts';
import { HandshakeQueue } from './handshake-queue.ts';
import { LoopDelay } from './loop-delay.ts';
import { limitsMessages, MessageRates } from './message-rates.ts';
import { type LimitOptions, limitOptions, type RateRule } from './options.ts';
import { RetryPause } from './retry-pause.ts';

type GovernorParts = {
  readonly options: { readonly limits: LimitOptions };
  readonly rules: {
    of(channel: string): RateRule;
    readonly byPattern: Readonly<Record<string, RateRule>>;
  };
  readonly clock: Clock;
  readonly log: Log;
};

/** How soon a client may come again whose handshake an overloaded server refused. Milliseconds. */
const PAUSE = 5_000;

const DELAY = 'limits.maxEventLoopDelay';

/** Limits rates. A limit that is not set has no hook, and costs nothing. */
export class Governor implements Feature {
  readonly name = 'governor';
  readonly kinds = ['handshake'] as const;
  readonly #parts: GovernorParts;
  readonly #pauses: RetryPause;
  #queue: HandshakeQueue | undefined;
  #byAddress: AddressRate | undefined;
  #bytes: ByteRate | undefined;
  #delay: LoopDelay | undefined;
  #refusals: FeatureHost['refusals'] | undefined;
  readonly hungUp?: FeatureHook<'hungUp'>;
  readonly metering?: FeatureHook<'metering'>;
  readonly pacing?: FeatureHook<'pacing'>;

  constructor(parts: GovernorParts) {
    const { options, rules, clock } = parts;
    const { handshakes, bytes } = options.limits;
    this.#parts = parts;
    this.#pauses = new RetryPause(clock);
    if (handshakes > 0) this.hungUp = (conduit) => this.#queue?.leave(conduit);
    if (bytes > 0) this.pacing = (size, session, only) => this.#bytes?.take(size, session, only);
    if (limitsMessages(options.limits, rules)) {
      const rates = new MessageRates(options.limits, rules, clock);
      this.metering = (request, session, conduit) => rates.take(request, session, conduit);
    }
  }

  /** Handshakes that wait in the queue. */
  get waiting(): number {
    return this.#queue?.length ?? 0;
  }

  readonly measuring: FeatureHook<'measuring'> = () => ({ waiting: this.waiting });

  readonly start = ({ refusals, screen, shared }: FeatureHost): void => {
    const { options, clock, log } = this.#parts;
    const { handshakes, handshakesPerAddress, maxEventLoopDelay, bytes } = options.limits;
    this.#refusals = refusals;
    if (handshakes > 0) this.#queue = new HandshakeQueue(handshakes, clock, refusals);
    if (handshakesPerAddress !== 0)
      this.#byAddress = new AddressRate(handshakesPerAddress, { clock, log, refusals, shared });
    if (bytes > 0) this.#bytes = new ByteRate(bytes, clock, refusals);
    if (maxEventLoopDelay > 0)
      this.#delay = new LoopDelay(clock, maxEventLoopDelay, (isLate) =>
        screen(isLate ? this.#screen : undefined),
      );
  };

  readonly close = (): undefined => {
    this.#queue?.close();
    this.#bytes?.close();
  };

  readonly admitting: FeatureHook<'admitting'> = (request, conduit) => {
    this.#pauses.note(request, conduit);
    if (this.#delay?.watch() === true) throw this.#overloaded();
    return andThen(this.#byAddress?.take(conduit), () => this.#enter(conduit));
  };

  outgoing(reply: Reply, _session: unknown, request: Request): Reply {
    return this.#pauses.apply(reply, request);
  }

  #enter(conduit: Conduit): Promise<void> | undefined {
    return this.#queue?.enter(conduit);
  }

  // A handshake whose channel is written with escapes gets past this, and is refused once it was read.
  readonly #screen = (texts: string | readonly string[]): void => {
    const isHandshake = typeof texts === 'string' ? names(texts) : texts.some(names);
    if (isHandshake && this.#delay?.watch() === true) throw this.#overloaded();
  };

  #overloaded(): NoRoomError {
    const limit = this.#parts.options.limits.maxEventLoopDelay;
    const why = `the event loop is late by more than "${DELAY}", which is ${limit}; the server has more work than it can do`;
    this.#refusals?.note('handshake.refused', { option: DELAY, limit, why });
    return new NoRoomError('the server has more work than it can do', spread(PAUSE));
  }
}

function names(text: string): boolean {
  return text.includes('/meta/handshake');
}

export const governorModule = {
  ...limitOptions,
  make: (parts: GovernorParts): Governor => new Governor(parts),
} as const satisfies FeatureModule;
