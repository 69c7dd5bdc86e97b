import { kindOf } from '../../protocol/channel.ts';
import { errors } from '../../protocol/errors.ts';
import type { JsonObject, SubscribeRequest, UnsubscribeRequest } from '../../protocol/message.ts';
import type { Context, Core } from '../context.ts';
import { type ReplayRequest, replaysOf } from '../history/replay-request.ts';
import { andThen, isPromise, type MaybePromise, recover } from '../../lib/maybe-promise.ts';
import type { ReplyFields } from '../replies.ts';
import type { Session } from '../session.ts';

/** The most patterns one message may name (SB-1). */
const MAX_PATTERNS = 100;

/** Adds subscriptions: all that the message names, or none (SB-2). */
export function subscribe(
  request: SubscribeRequest,
  session: Session,
  context: Context,
): MaybePromise<ReplyFields> {
  const { core } = context;
  const patterns = legalPatterns(request, context);
  const { maxSubscriptions } = core.options;
  const added = new Set(patterns.filter((pattern) => !session.subscriptions.has(pattern)));
  if (session.subscriptions.size + added.size > maxSubscriptions)
    throw errors.tooManySubscriptions(maxSubscriptions);

  return andThen(deniedOf(patterns, request, session, context), (denied) => {
    if (denied.length > 0) throw errors.subscribeDenied(denied);
    // RP-12: what is kept is only told of to those who may have it.
    const asked =
      request.ext?.replay === undefined
        ? []
        : replaysOf(request, patterns, core, session.replays?.underWay ?? 0);
    return andThen(asked, (replays) => subscribeAll(request, patterns, replays, session, context));
  });
}

// One after another: a policy is asked about the second when it has answered about the first.
function deniedOf(
  patterns: readonly string[],
  request: SubscribeRequest,
  session: Session,
  context: Context,
  at = 0,
  denied: readonly string[] = [],
): MaybePromise<readonly string[]> {
  const pattern = patterns[at];
  if (pattern === undefined) return denied;
  return andThen(context.core.judge.canSubscribe(pattern, request, session, context.conduit), (allowed) =>
    deniedOf(patterns, request, session, context, at + 1, allowed ? denied : [...denied, pattern]),
  );
}

function subscribeAll(
  request: SubscribeRequest,
  patterns: readonly string[],
  replays: readonly ReplayRequest[],
  session: Session,
  context: Context,
): MaybePromise<ReplyFields> {
  // SB-10: it may have gone while the policy thought.
  if (session.state === 'gone') throw errors.sessionUnknown();
  // SB-5: a service channel is accepted, and nothing comes of it.
  const heard = patterns.filter((pattern) => kindOf(pattern) === 'broadcast');
  const added = heard.filter((pattern) => !session.subscriptions.has(pattern));
  // Others may have used the room while the policy thought: nobody is asked anything from here on.
  if (!context.core.subscriptions.hasRoomFor(session, added)) throw errors.noRoomToSubscribe();
  // From here on what is published comes live, or the replay brings it.
  const ext = replay(session, replays, context);
  return andThen(listen(session, added, context), () => ({
    successful: true,
    subscription: request.subscription ?? [],
    ...(ext !== undefined && { ext }),
  }));
}

// RP-9: reply first, so nothing is read before it was written. RP-17: what the reply says.
function replay(
  { replays }: Session,
  asked: readonly ReplayRequest[],
  context: Context,
): JsonObject | undefined {
  if (asked.length === 0 || replays === undefined) return undefined;
  const newest = context.core.history?.deliveredThrough;
  const told = asked.map(({ pattern, start, ...rest }) => {
    if (start !== undefined) {
      const prepared = replays.prepare(pattern, start);
      context.afterwards(() => replays.start(prepared));
    }
    return [pattern, { ...rest, newest }];
  });
  return { replay: Object.fromEntries(told) };
}

// An engine that cannot carry one of them makes none of them.
function listen(session: Session, added: readonly string[], { core }: Context): MaybePromise<void> {
  return recover(
    () => {
      const arriving = added.map((pattern) => core.subscriptions.add(session, pattern)).filter(isPromise);
      if (arriving.length > 0) return Promise.all(arriving).then(() => {});
    },
    (error) => {
      for (const pattern of added) drop(session, pattern, core);
      throw error;
    },
  );
}

/** Drops subscriptions: exactly those named, and never fails because one was not there (SB-8, SB-11). */
export function unsubscribe(request: UnsubscribeRequest, session: Session, context: Context): ReplyFields {
  for (const pattern of legalPatterns(request, context)) drop(session, pattern, context.core);
  return { successful: true, subscription: request.subscription ?? [] };
}

function drop(session: Session, pattern: string, { subscriptions }: Core): void {
  subscriptions.remove(session, pattern);
  session.replays?.drop(pattern);
}

function legalPatterns(
  { subscription }: SubscribeRequest | UnsubscribeRequest,
  { core }: Context,
): readonly string[] {
  const patterns = typeof subscription === 'string' ? [subscription] : (subscription ?? []);
  if (patterns.length === 0) throw errors.subscriptionMissing();
  if (patterns.length > MAX_PATTERNS) throw errors.tooManySubscriptions(MAX_PATTERNS);
  const invalid = patterns.filter((pattern) => !core.grammar.isNameOrPattern(pattern));
  if (invalid.length > 0) throw errors.channelInvalid(invalid);
  const meta = patterns.filter((pattern) => kindOf(pattern) === 'meta');
  if (meta.length > 0) throw errors.subscribeDenied(meta);
  return patterns;
}
