import { countingKey } from '../../lib/address.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type { MeteredRequest, ServedSession } from '../../ports/feature.ts';
import { errors } from '../../protocol/errors.ts';
import type { LimitOptions, RateRule } from './options.ts';
import { TokenBuckets } from './token-buckets.ts';

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

/** Limits publishes and subscribes: of a session, of a user, and by channel rule. */
export class MessageRates {
  readonly #rules: Rules;
  readonly #clock: Clock;
  readonly #limits: Rates;
  readonly #buckets = new Map<string, TokenBuckets>();

  constructor(limits: Rates, rules: Rules, clock: Clock) {
    this.#limits = limits;
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Throws `429::rate_limited`, with the time after which the message may come again in `ext.retryAfter`. */
  take(request: MeteredRequest, session: ServedSession | undefined, conduit: Conduit): void {
    const sender = session?.id ?? countingKey(conduit.address);
    const user = session?.user?.id;
    if (request.kind === 'publish') {
      this.#takeOf('publishes', sender, 1);
      if (user !== undefined) this.#takeOf('publishesPerUser', user, 1);
      this.#takeByRule('publishesPerSession', request.channel, sender);
      this.#takeByRule('publishes', request.channel, 'all');
      return;
    }
    const patterns = [request.subscription ?? []].flat();
    this.#takeOf('subscribes', sender, patterns.length);
    if (user !== undefined) this.#takeOf('subscribesPerUser', user, patterns.length);
    for (const pattern of patterns) this.#takeByRule('subscribes', pattern, 'all');
  }

  #takeOf(name: keyof Rates, key: string, count: number): void {
    this.#take(`limits.${name}`, this.#limits[name], key, count);
  }

  #takeByRule(name: RuleRate, channel: string, key: string): void {
    const { rate } = this.#rules.of(channel);
    if (rate !== undefined) this.#take(`${rate.place}.rate.${name}`, rate[name] ?? 0, key, 1);
  }

  #take(option: string, limit: number, key: string, count: number): void {
    if (limit === 0) return;
    let buckets = this.#buckets.get(option);
    if (buckets === undefined) {
      buckets = new TokenBuckets(this.#clock, limit);
      this.#buckets.set(option, buckets);
    }
    const retryAfter = buckets.take(key, count);
    if (retryAfter === 0) return;
    throw errors.rateLimited({
      option,
      why: `"${option}" is ${limit} a second; raise it to allow more`,
      retryAfter,
    });
  }
}
