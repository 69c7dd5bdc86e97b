import { kindOf } from '../../protocol/channel.ts';
import { errors } from '../../protocol/errors.ts';
import type {
  JsonObject,
  ReplyFields,
  SubscribeRequest,
  UnsubscribeRequest,
} from '../../protocol/message.ts';
import type { Context, Core } from '../context.ts';
import type { SubscribeAddition } from '../../ports/feature.ts';
import { andThen, isPromise, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { Session } from '../session.ts';

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
    return andThen(prepared(request, patterns, session, core), (additions) =>
      subscribeAll(request, patterns, additions, session, context),
    );
  });
}

type Prepared = () => SubscribeAddition | undefined;

// Prepares features one after another, and only once all is allowed: nobody else may see stored events (RP-12).
function prepared(
  request: SubscribeRequest,
  patterns: readonly string[],
  session: Session,
  core: Core,
  at = 0,
  additions: readonly Prepared[] = [],
): MaybePromise<readonly Prepared[]> {
  const feature = core.features.subscribing[at];
  if (feature === undefined) return additions;
  return andThen(feature.subscribing?.(request, patterns, session), (addition) =>
    prepared(request, patterns, session, core, at + 1, addition ? [...additions, addition] : additions),
  );
}

// Asks the policy about one pattern after another.
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
  additions: readonly Prepared[],
  session: Session,
  context: Context,
): MaybePromise<ReplyFields> {
  // SB-10: the session may have ended while the policy was asked.
  if (session.state === 'gone') throw errors.sessionUnknown();
  // SB-5: a service channel is accepted and ignored.
  const broadcast = patterns.filter((pattern) => kindOf(pattern) === 'broadcast');
  const added = broadcast.filter((pattern) => !session.subscriptions.has(pattern));
  // Checked only now: others may have used memory meanwhile. No await before the subscriptions are made.
  if (!context.core.subscriptions.hasRoomFor(session, added)) throw errors.noRoomToSubscribe();
  // From here on, events come live, or a feature brings them.
  const ext = addTo(context, additions);
  return andThen(listen(session, broadcast, context), () => ({
    successful: true,
    subscription: request.subscription ?? [],
    ...(ext !== undefined && { ext }),
  }));
}

// RP-9: a feature does the rest of its work after the reply was written.
function addTo(context: Context, additions: readonly Prepared[]): JsonObject | undefined {
  let ext: JsonObject | undefined;
  for (const prepare of additions) {
    const addition = prepare();
    if (addition === undefined) continue;
    if (addition.ext !== undefined) ext = { ...ext, ...addition.ext };
    context.afterwards(addition.afterwards);
  }
  return ext;
}

// The engine may take time: the messages behind this one need not wait for it.
function listen(session: Session, patterns: readonly string[], context: Context): MaybePromise<void> {
  const arriving = context.core.subscriptions.join(session, patterns);
  if (isPromise(arriving)) context.handedOver('engine');
  return arriving;
}

/** Removes the named subscriptions and no others. One that does not exist is no error (SB-8, SB-11). */
export function unsubscribe(request: UnsubscribeRequest, session: Session, context: Context): ReplyFields {
  for (const pattern of legalPatterns(request, context)) context.core.subscriptions.leave(session, pattern);
  return { successful: true, subscription: request.subscription ?? [] };
}

function legalPatterns(
  { subscription }: SubscribeRequest | UnsubscribeRequest,
  { core }: Context,
): readonly string[] {
  const patterns = typeof subscription === 'string' ? [subscription] : (subscription ?? []);
  if (patterns.length === 0) throw errors.subscriptionMissing();
  const { maxPatternsPerMessage } = core.options;
  if (patterns.length > maxPatternsPerMessage) throw errors.tooManyPatterns(maxPatternsPerMessage);
  const invalid = patterns.filter((pattern) => !core.grammar.isNameOrPattern(pattern));
  if (invalid.length > 0) throw errors.channelInvalid(invalid);
  const meta = patterns.filter((pattern) => kindOf(pattern) === 'meta');
  if (meta.length > 0) throw errors.subscribeDenied(meta);
  const many = patterns.filter((pattern) => core.features.reserved?.hasMany(pattern) === true);
  if (many.length > 0)
    throw errors.subscribeDenied(many, 'no pattern covers these channels: subscribe to the name of one');
  return patterns;
}
