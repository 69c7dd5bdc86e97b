import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../../lib/clock.ts';
import type { Right, ServedSession, SessionFeature } from '../../ports/feature.ts';
import type { TokenGrants } from './token-grants.ts';
import { errors } from '../../protocol/errors.ts';
import type { Revoker } from './revoker.ts';
import type { RuleGrants } from './rule-grants.ts';

/** Cached answers per session and right. */
const REMEMBERED = 64;
/** Longest timer: those of Node overflow after 24.8 days. Milliseconds. */
const DAY = 86_400_000;

/** A verified token. */
export interface Proof {
  readonly sub: string;
  /** Identifies the token in revocations: its `jti`, or its hash. */
  readonly token: string;
  /** Milliseconds since the epoch; undefined for a token without `iat`. */
  readonly issuedAt: number | undefined;
  /** Number of revocations when the token was looked up in their list. */
  readonly revocations: number;
  readonly grants: TokenGrants;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Hash of the token, to recognise the same token. */
  readonly digest: string;
}

/** The parts that all bearers share. */
export interface BearerParts {
  readonly rules: RuleGrants;
  readonly revoker: Revoker;
  readonly clock: Clock;
}

/** The grants of one session and their expiry. */
export class Bearer implements SessionFeature {
  readonly #session: ServedSession;
  readonly #parts: BearerParts;
  readonly #answers = new Map<Right, Map<string, boolean>>();
  /** The user of the token, or as the application names it. */
  readonly sub: string | undefined;
  #proof: Proof | undefined;
  #timer: Timer | undefined;
  /** Ended subscriptions that no reply has reported yet. */
  ended: readonly string[] = [];

  /** `named`: the user that the application names, which needs no token. */
  constructor(
    session: ServedSession,
    proof: Proof | undefined,
    named: string | undefined,
    parts: BearerParts,
  ) {
    this.#session = session;
    this.sub = proof?.sub ?? named;
    this.#parts = parts;
    this.#hold(proof);
  }

  get proof(): Proof | undefined {
    return this.#proof;
  }

  renew(proof: Proof): void {
    this.#answers.clear();
    this.#release();
    this.#hold(proof);
  }

  may(right: Right, channel: string): boolean {
    let answers = this.#answers.get(right);
    if (answers === undefined) {
      answers = new Map();
      this.#answers.set(right, answers);
    }
    let answer = answers.get(channel);
    if (answer === undefined) {
      answer = mayDo(right, channel, this.#proof, this.sub, this.#parts.rules);
      if (answers.size >= REMEMBERED) answers.clear();
      answers.set(channel, answer);
    }
    return answer;
  }

  // Answer a connect at once while ended subscriptions are still to be reported.
  holding() {
    return this.ended.length > 0 ? { advice: {} } : undefined;
  }

  closed(): void {
    this.#release();
  }

  #hold(proof: Proof | undefined): void {
    this.#proof = proof;
    if (proof === undefined) return;
    this.#parts.revoker.hold(this.#session, proof);
    this.#scheduleExpiry(proof);
  }

  #release(): void {
    this.#timer?.cancel();
    if (this.#proof !== undefined) this.#parts.revoker.release(this.#session, this.#proof);
  }

  #scheduleExpiry(proof: Proof): void {
    const { clock } = this.#parts;
    const left = proof.expiresAt - clock.now();
    this.#timer =
      left > 0
        ? clock.after(Math.min(left, DAY), () => this.#scheduleExpiry(proof))
        : clock.after(0, this.#expire);
  }

  readonly #expire = (): void => this.#session.disconnect('expired', errors.tokenExpired());
}

/** Whether the token or the rules grant the right. */
export function mayDo(
  right: Right,
  channel: string,
  proof: Proof | undefined,
  sub: string | undefined,
  rules: RuleGrants,
): boolean {
  return proof?.grants.covers(right, channel) === true || rules.covers(right, channel, sub);
}

/** The hash identifies a token without storing it. */
export function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
