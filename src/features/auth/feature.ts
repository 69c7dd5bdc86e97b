import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { Refusals } from '../../core/refusals.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type {
  Feature,
  FeatureHook,
  FeatureHost,
  FeatureModule,
  Right,
  ServedSession,
} from '../../ports/feature.ts';
import type { Shared } from '../../ports/shared.ts';
import { ChannelGrammar, type ChannelRules, kindOf } from '../../protocol/channel.ts';
import { type BayeuxError, errors } from '../../protocol/errors.ts';
import { isObject, type JsonObject, type Reply, type Request } from '../../protocol/message.ts';
import { Bearer, type BearerParts, digestOf, mayDo, type Proof } from './bearer.ts';
import { refuseInUrl, tokenIn, tokenOf } from './credentials.ts';
import { MemoryRevocations } from './memory-revocations.ts';
import { type AuthOptions, authOptions, hasKey } from './options.ts';
import { KeysUnavailable, TokenRefusal } from './refusal.ts';
import { endRevoked, markOf, Revoker } from './revoker.ts';
import { type GrantRule, RuleGrants } from './rule-grants.ts';
import { TokenGrants } from './token-grants.ts';
import { SharedRevocations } from './shared-revocations.ts';
import { Verifier } from './verifier.ts';

type AuthParts = {
  readonly options: ChannelRules & { readonly auth: AuthOptions; readonly engineTimeout: number };
  readonly rules: { readonly byPattern: Readonly<Record<string, GrantRule>> };
  readonly clock: Clock;
  readonly log: Log;
};

/** The user that a token proves. */
interface Identity {
  readonly proof: Proof;
  /** The claim with grants, unchecked. */
  readonly granted: unknown;
  readonly info: JsonObject;
}

/** Requires a token from each client, and allows only what the token or the channel rules grant. */
export class Auth implements Feature {
  readonly name = 'auth';
  readonly kinds = ['connect', 'subscribe', 'unsubscribe', 'publish', 'disconnect'] as const;
  readonly onlyWithExt = true;
  readonly #options: AuthOptions;
  readonly #log: Log;
  readonly #verifier: Verifier;
  readonly #grammar: ChannelGrammar;
  readonly #rules: RuleGrants;
  readonly #refusals: Refusals;
  readonly #revoker: Revoker;
  readonly #bearerParts: BearerParts;
  readonly #identified = new WeakMap<object, Proof>();
  readonly #bearers = new WeakMap<ServedSession, Bearer>();
  readonly #trusted = new WeakSet<ServedSession>();
  readonly #memory: MemoryRevocations;
  readonly #parts: Pick<AuthParts, 'clock' | 'options'>;
  #shared: SharedRevocations | undefined;
  #host: FeatureHost | undefined;

  constructor({ options, rules, clock, log }: AuthParts) {
    this.#options = options.auth;
    this.#log = log;
    this.#verifier = new Verifier(options.auth, clock, log);
    this.#grammar = new ChannelGrammar(options);
    this.#rules = new RuleGrants(rules.byPattern);
    this.#refusals = new Refusals(clock, log);
    this.#parts = { clock, options };
    this.#memory = new MemoryRevocations(options.auth.revocations, clock);
    this.#revoker = new Revoker({
      options: options.auth,
      clock,
      refusals: this.#refusals,
      list: this.#memory,
      proofOf: (session) => this.#bearers.get(session)?.proof,
    });
    this.#bearerParts = { rules: this.#rules, revoker: this.#revoker, clock };
  }

  readonly start = (host: FeatureHost): void => {
    this.#host = host;
    if (host.shared !== undefined) this.#share(host.shared, host);
  };

  readonly open = async (): Promise<void> => {
    await Promise.all([this.#verifier.load(), this.#shared?.open()]);
  };

  readonly asked: FeatureHook<'asked'> = (question) => this.#shared?.asked(question);

  /** Reads the keys again. Throws `UsageError` for a file without a usable key, and keeps the old keys. */
  reloadKeys(): void {
    this.#verifier.reload();
  }

  /** The user of a token, and what the token says of the HTTP API. Throws `BayeuxError` for a refused token. */
  async apiClaim(token: string, address: string): Promise<{ readonly user: string; readonly api: unknown }> {
    try {
      const { proof, granted } = await this.#prove(token);
      return {
        user: proof.sub,
        api: isObject(granted) && Object.hasOwn(granted, 'api') ? granted.api : undefined,
      };
    } catch (error) {
      throw this.#errorFor(error, { address });
    }
  }

  readonly identifying: FeatureHook<'identifying'> = async (request, conduit) => {
    const identity = await this.#identify(request.ext, conduit);
    if (identity === undefined) return undefined;
    this.#identified.set(request, identity.proof);
    return { id: identity.proof.sub, info: identity.info };
  };

  readonly attach: FeatureHook<'attach'> = (session, request, { trusted, user }) => {
    if (trusted === true) {
      this.#trusted.add(session);
      return [];
    }
    const proof = this.#identified.get(request);
    const named = typeof user === 'object' ? user.id : user;
    const bearer = new Bearer(session, proof, named, this.#bearerParts);
    this.#bearers.set(session, bearer);
    this.#lookUpAgain(session, proof);
    return [bearer];
  };

  readonly revoking: FeatureHook<'revoking'> = (revocation, session) =>
    this.#revoker.revoke(revocation, session && this.#bearers.get(session)?.proof);

  readonly permitting: FeatureHook<'permitting'> = (right, channel, session, { ext }, conduit) => {
    if (session === undefined) return this.#permitsWithoutSession(right, channel, ext, conduit);
    const bearer = this.#bearers.get(session);
    return bearer === undefined ? this.#trusted.has(session) : bearer.may(right, channel);
  };

  async #permitsWithoutSession(
    right: Right,
    channel: string,
    ext: JsonObject | undefined,
    conduit: Conduit | undefined,
  ): Promise<boolean> {
    if (conduit === undefined) return false;
    const proof = (await this.#identify(ext, conduit))?.proof;
    return mayDo(right, channel, proof, proof?.sub, this.#rules);
  }

  // A fresh token may have replaced the grants while the policy was asked.
  readonly subscribing: FeatureHook<'subscribing'> = (_request, patterns, session) => () => {
    const bearer = this.#bearers.get(session);
    const denied = bearer === undefined ? [] : this.#ungranted(bearer, patterns);
    if (denied.length > 0) throw errors.subscribeDenied(denied);
    return undefined;
  };

  // AU-4: a later message may carry a fresh token.
  readonly incoming: FeatureHook<'incoming'> = (request, { session, conduit }) => {
    const token = tokenIn(request.ext);
    const bearer = session && this.#bearers.get(session);
    if (token === undefined || session === undefined || bearer === undefined) return request;
    // Many clients send the same token with every message.
    if (digestOf(token) === bearer.proof?.digest) return request;
    return this.#renew(session, bearer, token, conduit).then(() => request);
  };

  outgoing(reply: Reply, session: ServedSession | undefined, _request: Request): Reply {
    const bearer = session && this.#bearers.get(session);
    if (bearer === undefined || bearer.ended.length === 0) return reply;
    const unsubscribed = bearer.ended;
    bearer.ended = [];
    return { ...reply, ext: { ...reply.ext, auth: { unsubscribed } } };
  }

  #share(shared: Shared, { peersOf }: FeatureHost): void {
    const { clock, options } = this.#parts;
    this.#shared = new SharedRevocations({
      memory: this.#memory,
      limits: options.auth.revocations,
      shared,
      peers: peersOf(this.name),
      clock,
      engineTimeout: options.engineTimeout,
      refusals: this.#refusals,
      revoked: (entry) => this.#revoker.revoked(entry),
    });
    this.#revoker.share(this.#shared);
  }

  async #identify(ext: JsonObject | undefined, conduit: Conduit): Promise<Identity | undefined> {
    try {
      const token = tokenOf(ext, conduit, this.#options.cookie);
      if (token !== undefined) return await this.#prove(token);
      if (this.#options.anonymous || conduit.user !== undefined) return undefined;
      throw new TokenRefusal('missing', 'no token came');
    } catch (error) {
      throw this.#errorFor(error, conduit);
    }
  }

  async #renew(session: ServedSession, bearer: Bearer, token: string, conduit: Conduit): Promise<void> {
    const { proof, info } = await this.#proveAgain(token, conduit);
    if (session.state === 'gone') return;
    const { proof: older } = bearer;
    if (proof.sub !== bearer.sub) throw this.#mismatch(conduit);
    // Tokens may arrive out of order: an older one must not shorten the session.
    if (older !== undefined && proof.expiresAt < older.expiresAt) return;
    bearer.renew(proof);
    this.#lookUpAgain(session, proof);
    if (session.user?.id === proof.sub) session.user = { id: proof.sub, info };
    bearer.ended = [...bearer.ended, ...this.#endUngranted(session, bearer)];
  }

  async #proveAgain(token: string, conduit: Conduit): Promise<Identity> {
    try {
      refuseInUrl(conduit);
      return await this.#prove(token);
    } catch (error) {
      throw this.#errorFor(error, conduit);
    }
  }

  async #prove(token: string): Promise<Identity> {
    const { sub, id, issuedAt, info, granted, expiresAt } = await this.#verifier.verify(token);
    const grants = TokenGrants.of(granted, sub, this.#grammar);
    const digest = digestOf(token);
    const mark = id === undefined ? digest : markOf(id);
    const { count: revocations } = this.#revoker;
    const proof = { sub, token: mark, issuedAt, revocations, grants, expiresAt, digest };
    if (await this.#revoker.covers(proof)) throw new TokenRefusal('revoked', 'it is revoked');
    return { proof, granted, info };
  }

  // The token may have been revoked since the first look-up, while the policy or the list was asked.
  #lookUpAgain(session: ServedSession, proof: Proof | undefined): void {
    if (proof === undefined || proof.revocations === this.#revoker.count) return;
    void Promise.resolve(this.#revoker.covers(proof)).then(
      (isRevoked) => isRevoked && endRevoked(session),
      (error: unknown) => this.#log({ level: 'error', event: 'auth.failed', session: session.id, error }),
    );
  }

  // AU-7: ends the subscriptions that the fresh token no longer grants.
  #endUngranted(session: ServedSession, bearer: Bearer): string[] {
    const ended = this.#ungranted(bearer, [...session.subscriptions]);
    for (const pattern of ended) {
      this.#log({ level: 'warn', event: 'subscription.revoked', session: session.id, pattern });
      this.#host?.unsubscribe(session, pattern);
    }
    return ended;
  }

  #ungranted(bearer: Bearer, patterns: readonly string[]): string[] {
    return patterns.filter((pattern) => {
      const channel = this.#host?.rightTo(pattern) ?? pattern;
      return !bearer.may(kindOf(channel) === 'service' ? 'call' : 'subscribe', channel);
    });
  }

  #mismatch({ address }: Conduit): BayeuxError {
    const why = 'a fresh token is of another user';
    this.#refusals.note('auth.refused', { cause: why, why, address });
    return errors.userMismatch();
  }

  /** The error for the client (AU-3). Only the log gets the reason. */
  #errorFor(error: unknown, { address }: Pick<Conduit, 'address'>): unknown {
    if (error instanceof TokenRefusal) {
      const { why } = error;
      this.#refusals.note('auth.refused', { cause: why, why, address });
      return error.clientError;
    }
    // `RemoteKeys` has logged why.
    return error instanceof KeysUnavailable ? errors.serverError() : error;
  }
}

export const authModule = {
  ...authOptions,
  make: (parts: AuthParts): Feature | undefined => (hasKey(parts.options.auth) ? new Auth(parts) : undefined),
} as const satisfies FeatureModule;
