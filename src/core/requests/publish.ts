import { isPromise, type MaybePromise } from '../../lib/maybe-promise.ts';
import { kindOf } from '../../protocol/channel.ts';
import { errors } from '../../protocol/errors.ts';
import { forwarded, type PublishRequest, type ReplyFields } from '../../protocol/message.ts';
import type { OutgoingEvent } from '../../ports/outgoing-event.ts';
import type { Context } from '../context.ts';
import { accepted } from '../replies.ts';
import type { Session } from '../session.ts';

/** Publishes to a broadcast channel, or passes a service message to its listeners. */
export function publish(
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  const { channel } = request;
  const kind = kindOf(channel);
  if (kind === 'meta') throw errors.publishDenied(channel);
  if (context.core.features.reserved?.has(channel) === true)
    throw errors.publishDenied(channel, 'only the server sends events on this channel');
  // PB-4: on a service channel `data` may be missing.
  if (kind === 'broadcast' && !request.hasData) throw errors.dataMissing();
  const { judge } = context.core;
  if (!judge.judgesPublish) return publishAllowed(request, session, context);
  const allowed = judge.canPublish(request, session, context.conduit);
  return isPromise(allowed)
    ? allowed.then((answer) => publishIf(answer, request, session, context))
    : publishIf(allowed, request, session, context);
}

function publishIf(
  allowed: boolean,
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  if (!allowed) throw errors.publishDenied(request.channel);
  if (session?.state === 'gone') throw errors.sessionUnknown();
  return publishAllowed(request, session, context);
}

function publishAllowed(
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  // PB-7: checked only after the policy, which is asked about every message (SEC-13).
  return session !== undefined && session.features.repeating.length > 0
    ? session.publishOnce(request, context.conduit, () => carryOut(request, session, context))
    : carryOut(request, session, context);
}

// SEC-1: the event is made of known fields alone. No other field of the request reaches subscribers.
function carryOut(
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  const { core, conduit } = context;
  const { channel, data } = request;
  if (core.features.checking.length > 0) core.features.check(channel, data);
  if (core.features.answering.length > 0) {
    const answer = core.features.answer(request, session, conduit);
    // PR-12: a feature may still store what the session published before.
    if (answer !== undefined) return session?.stores?.last?.then(answer) ?? answer();
  }
  if (core.listeners.size > 0) core.listeners.tell(request, session);
  if (kindOf(channel) === 'service') return accepted;
  const ext = request.ext && forwarded(request.ext, core.options.forward);
  const event = ext === undefined ? { channel, data } : { channel, data, ext };
  const sent = core.publisher.publish(event, session, context);
  if (isPromise(sent)) return sent.then((later) => published(later, request));
  return sent.replayId === undefined && sent.publishId === undefined ? accepted : published(sent, request);
}

// RP-16, JN-1: the publisher learns the ids of its event.
function published({ replayId, publishId }: OutgoingEvent, request: PublishRequest): ReplyFields {
  const own = request.ext?.publishId === true ? publishId : undefined;
  if (replayId === undefined && own === undefined) return accepted;
  return {
    successful: true,
    ext: { ...(replayId !== undefined && { replayId }), ...(own !== undefined && { publishId: own }) },
  };
}
