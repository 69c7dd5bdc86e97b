import { countingKey } from '../../lib/address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { MeteredRequest, ServedSession } from '../../ports/feature.ts';
import { errors } from '../../protocol/errors.ts';
import { overRate } from '../../protocol/over-limit.ts';
import type { LimitOptions, RateRule } from './options.ts';
import { TokenBuckets } from '../../lib/token-buckets.ts';

interface Rules {
  of(channel: string): RateRule;
  readonly byPattern: Readonly<Record<string, RateRule>>;
}

type Rates = Pick<LimitOptions, 'publishes' | 'publishesPerUser' | 'subscribes' | 'subscribesPerUser'>;
type RuleRate = 'publishes' | 'publishesPerSession' | 'subscribes';

/** Whether any of these options or rules limits the rate of messages. */
export function limitsMessages(limits: Rates, { byPattern }: Pick<Rules, 'byPattern'>): boolean {
  const { publishes, publishesPerUser, subscribes, subscribesPerUser } = limits;
  const hasRule = Object.values(byPattern).some(({ rate }) => rate !== undefined);
  return hasRule || publishes + publishesPerUser + subscribes + subscribesPerUser > 0;
}

/** One rate that messages have to keep. */
class Rate {
  readonly #option: string;
  readonly #limit: number;
  readonly #buckets: TokenBuckets;

  constructor(option: string, limit: number, clock: Clock) {
    this.#option = option;
    this.#limit = limit;
    this.#buckets = new TokenBuckets(clock, limit);
  }

  /** Throws `429::rate_limited`. */
  take(key: string, count: number): void {
    const retryAfter = this.#buckets.take(key, count);
    if (retryAfter === 0) return;
    const option = this.#option;
    throw errors.rateLimited({
      option,
      why: overRate(option, this.#limit),
      retryAfter,
    });
  }
}

type RuleRates = Readonly<Record<RuleRate, Rate | undefined>>;

/** Limits publishes and subscribes: of a session, of a user, and by channel rule. */
export class MessageRates {
  readonly #rules: Rules;
  readonly #clock: Clock;
  readonly #rates: Readonly<Record<keyof Rates, Rate | undefined>>;
  // By the object of the rule.
  readonly #byRule = new Map<object, RuleRates>();

  constructor(limits: Rates, rules: Rules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
    this.#rates = {
      publishes: this.#rate('limits.publishes', limits.publishes),
      publishesPerUser: this.#rate('limits.publishesPerUser', limits.publishesPerUser),
      subscribes: this.#rate('limits.subscribes', limits.subscribes),
      subscribesPerUser: this.#rate('limits.subscribesPerUser', limits.subscribesPerUser),
    };
  }

  /** Throws `429::rate_limited`, with the time after which the message may come again in `ext.retryAfter`. */
  take(request: MeteredRequest, session: ServedSession | undefined, conduit: Conduit): void {
    const sender = session?.id ?? countingKey(conduit.address);
    const user = session?.user?.id;
    if (request.kind === 'publish') this.#takePublish(request.channel, sender, user);
    else this.#takePatterns([request.subscription ?? []].flat(), sender, user);
  }

  #takePublish(channel: string, sender: string, user: string | undefined): void {
    this.#rates.publishes?.take(sender, 1);
    if (user !== undefined) this.#rates.publishesPerUser?.take(user, 1);
    const byRule = this.#ratesOf(channel);
    byRule?.publishesPerSession?.take(sender, 1);
    byRule?.publishes?.take('', 1);
  }

  #takePatterns(patterns: readonly string[], sender: string, user: string | undefined): void {
    this.#rates.subscribes?.take(sender, patterns.length);
    if (user !== undefined) this.#rates.subscribesPerUser?.take(user, patterns.length);
    for (const pattern of patterns) this.#ratesOf(pattern)?.subscribes?.take('', 1);
  }

  #ratesOf(channel: string): RuleRates | undefined {
    const { rate } = this.#rules.of(channel);
    if (rate === undefined) return undefined;
    const known = this.#byRule.get(rate);
    if (known !== undefined) return known;
    const made = {
      publishes: this.#rate(`${rate.place}.rate.publishes`, rate.publishes),
      publishesPerSession: this.#rate(`${rate.place}.rate.publishesPerSession`, rate.publishesPerSession),
      subscribes: this.#rate(`${rate.place}.rate.subscribes`, rate.subscribes),
    };
    this.#byRule.set(rate, made);
    return made;
  }

  #rate(option: string, limit = 0): Rate | undefined {
    return limit > 0 ? new Rate(option, limit, this.#clock) : undefined;
  }
}
