import { kindOf } from '../../protocol/channel.ts';
import { errors } from '../../protocol/errors.ts';
import type { JsonObject, PublishRequest } from '../../protocol/message.ts';
import type { OutgoingEvent } from '../../protocol/outgoing.ts';
import type { Context } from '../context.ts';
import { andThen, isPromise, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { ReplyFields } from '../replies.ts';
import type { Session } from '../session.ts';

const done: ReplyFields = { successful: true };

/** Publishes to a broadcast channel, or gives a service message to those who serve it. */
export function publish(
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  const { channel } = request;
  const kind = kindOf(channel);
  if (kind === 'meta') throw errors.publishDenied(channel);
  // PB-4: on a service channel `data` may be missing.
  if (kind === 'broadcast' && !request.hasData) throw errors.dataMissing();
  const allowed = context.core.judge.canPublish(request, session, context.conduit);
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
  const recent = session?.recent;
  if (recent === undefined) return publishOnce(request, session, context);
  // PB-7: only here, since a policy is asked about every message (SEC-13).
  const { core, conduit } = context;
  const now = core.clock.now();
  const repeated = recent.find(request, conduit, now);
  if (repeated !== undefined) return repeated;
  return andThen(publishOnce(request, session, context), (fields) => {
    recent.remember(request, conduit, now, fields);
    return fields;
  });
}

function publishOnce(
  request: PublishRequest,
  session: Session | undefined,
  context: Context,
): MaybePromise<ReplyFields> {
  const { channel } = request;
  context.core.rules.checkData(channel, request.data);
  tellListeners(request, session, context);
  return kindOf(channel) === 'service' ? done : broadcast(request, session, context);
}

function tellListeners(request: PublishRequest, session: Session | undefined, { core }: Context): void {
  const { channel, data, ext, id } = request;
  if (!core.listeners.heard(channel)) return;
  core.listeners.tell({
    channel,
    data,
    ...(ext !== undefined && { ext }),
    ...(id !== undefined && { id }),
    ...(session !== undefined && { session }),
  });
}

// SEC-1: the event is made from what an event has; nothing of the publisher's object goes on.
function broadcast(
  request: PublishRequest,
  session: Session | undefined,
  { core }: Context,
): MaybePromise<ReplyFields> {
  const { channel, data } = request;
  const ext = request.ext === undefined ? undefined : forwarded(request.ext, core.options.forward);
  const event = ext === undefined ? { channel, data } : { channel, data, ext };
  const sent = core.publisher.publish(event, session);
  return isPromise(sent) ? sent.then(published) : published(sent);
}

// RP-16: publishers learn the place of their event.
function published({ replayId }: OutgoingEvent): ReplyFields {
  return replayId === undefined ? done : { successful: true, ext: { replayId } };
}

// What a client acts on wherever it stands, and what only the server may say.
const neverForwarded = new Set([
  ...['successful', 'error', 'subscription', 'advice', 'clientId', 'id'],
  ...['ack', 'auth', 'flow', 'gap', 'receipts', 'redelivered', 'replay', 'replayId'],
]);

// DL-6: applications authenticate with tokens in `ext`; only what is named goes to others.
function forwarded(ext: JsonObject, forward: 'all' | readonly string[]): JsonObject | undefined {
  const keys = Object.keys(ext).filter(
    (key) => !neverForwarded.has(key) && (forward === 'all' || forward.includes(key)),
  );
  return keys.length === 0 ? undefined : Object.fromEntries(keys.map((key) => [key, ext[key]]));
}
