import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Right, ServedSession, SessionFeature } from '../../ports/feature.ts';
import type { TokenGrants } from './token-grants.ts';
import { errors } from '../../protocol/errors.ts';
import type { RuleGrants } from './rule-grants.ts';

/** Answers that are remembered of one session for one right. */
const REMEMBERED = 64;
/** The longest that a timer runs. Milliseconds. */
const DAY = 86_400_000;

/** What a good token comes to. */
export interface Proof {
  readonly sub: string;
  readonly grants: TokenGrants;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** By which the same token is known again. */
  readonly digest: string;
}

/** What one session may do, and until when. */
export class Bearer implements SessionFeature {
  readonly #session: ServedSession;
  readonly #rules: RuleGrants;
  readonly #clock: Clock;
  readonly #known = new Map<Right, Map<string, boolean>>();
  #proof: Proof | undefined;
  #timer: Timer | undefined;
  /** Subscriptions that were ended, and that the client is still to be told of. */
  ended: readonly string[] = [];

  constructor(session: ServedSession, proof: Proof | undefined, rules: RuleGrants, clock: Clock) {
    this.#session = session;
    this.#rules = rules;
    this.#clock = clock;
    this.#proof = proof;
    this.#wait();
  }

  get proof(): Proof | undefined {
    return this.#proof;
  }

  /** A fresh token came. */
  renew(proof: Proof): void {
    this.#proof = proof;
    this.#known.clear();
    this.#wait();
  }

  may(right: Right, channel: string): boolean {
    let answers = this.#known.get(right);
    if (answers === undefined) {
      answers = new Map();
      this.#known.set(right, answers);
    }
    let answer = answers.get(channel);
    if (answer === undefined) {
      answer = mayDo(right, channel, this.#proof, this.#rules);
      if (answers.size >= REMEMBERED) answers.clear();
      answers.set(channel, answer);
    }
    return answer;
  }

  // A client that is to be told something is not kept waiting for it.
  holding() {
    return this.ended.length > 0 ? { advice: {} } : undefined;
  }

  closed(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    this.#timer?.cancel();
    if (this.#proof === undefined) return;
    const left = this.#proof.expiresAt - this.#clock.now();
    this.#timer =
      left > 0
        ? this.#clock.after(Math.min(left, DAY), () => this.#wait())
        : this.#clock.after(0, this.#expire);
  }

  readonly #expire = (): void => this.#session.disconnect('expired', errors.tokenExpired());
}

/** Whether token or rules grant it. */
export function mayDo(right: Right, channel: string, proof: Proof | undefined, rules: RuleGrants): boolean {
  return proof?.grants.covers(right, channel) === true || rules.covers(right, channel, proof?.sub);
}

/** Tells a token from another without keeping it. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
