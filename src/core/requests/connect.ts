import { errors } from '../../protocol/errors.ts';
import type { ConnectRequest, ReplyFields } from '../../protocol/message.ts';
import type { HoldRefusal } from '../../ports/feature.ts';
import type { Timing } from '../../ports/transport.ts';
import type { AdviceKind } from '../advice.ts';
import type { Context } from '../context.ts';
import { noteRefused } from '../refused-message.ts';
import type { Session } from '../session.ts';

/** The times from one connect to the next. Milliseconds. */
interface Cycle extends Timing {
  /** How long this connect is held, if it is. */
  readonly hold: number;
}

/** Answers a connect at once, or lets the session hold it: then there is no reply yet. */
export function connect(
  request: ConnectRequest,
  session: Session,
  context: Context,
): ReplyFields | undefined {
  const { core, conduit } = context;
  // A feature may have ended the session.
  if (session.state === 'gone')
    throw session.wasTold ? errors.sessionDisconnected() : errors.sessionUnknown();
  const pause = core.awayFor(session);
  if (pause === 'gone') {
    session.close('shutdown');
    throw errors.sessionUnknown();
  }
  const { connectionType: type } = request;
  if (type !== undefined && type !== conduit.transport) checkType(type, context);
  session.setCredit(request.ext?.flow);
  session.giveWay(request, conduit);
  if (conduit.shape === 'socket') session.attach(conduit);
  else session.leaveSocket();

  if (pause !== undefined) return answerAway(pause, session, context);
  const heartbeat = isHeartbeat(request, session, context);
  // A heartbeat comes beside an open stream and does not replace it.
  if (!heartbeat || !session.isPushed) session.overtake(conduit);
  if (heartbeat) return answerHeartbeat(session, context);
  const cycle = cycleOf(request, session, context);
  if (mustAnswer(request, session, context) || cycle.hold === 0) {
    return answer('retry', cycle.interval, session, cycle, context);
  }

  const refusal = session.hold(request, conduit, cycle.hold, cycle.interval + cycle.maxInterval);
  return refusal && refuseHold(request, refusal, session, cycle, context);
}

// CN-3: a type named in a connect must be one that is offered.
function checkType(type: string, { core }: Context): void {
  if (!core.replies.greeting.supportedConnectionTypes.includes(type))
    throw errors.connectionTypeUnsupported(type);
}

// ADV-11, ADV-12: the advice of the client holds for this cycle, within limits.
function cycleOf({ advice }: ConnectRequest, session: Session, { core, conduit }: Context): Cycle {
  const { timeout, interval, maxInterval } = session.timing(conduit.transport);
  const { maxClientInterval } = core.options;
  return {
    timeout,
    maxInterval,
    hold: Math.min(advice?.timeout ?? timeout, timeout),
    interval: advice?.interval === undefined ? interval : Math.min(advice.interval, maxClientInterval),
  };
}

// ES-6: events of this client come by its stream. The connect only shows that the client is alive.
function isHeartbeat(
  { connectionType: type }: ConnectRequest,
  session: Session,
  { conduit }: Context,
): boolean {
  return type === 'eventsource' && conduit.shape === 'exchange' && !session.isDeliverOnly('eventsource');
}

// CN-4 to CN-7. CN-15: the peer may have gone while extensions were asked.
function mustAnswer(
  { advice }: ConnectRequest,
  session: Session,
  { core, conduit, alone }: Context,
): boolean {
  if (!session.connected || !alone || advice?.timeout === 0 || !conduit.alive) return true;
  const polls = conduit.shape === 'exchange' || session.isDeliverOnly(conduit.transport);
  return polls && session.hasUrgentFor(conduit) && core.flusher.mayAnswer();
}

function answer(
  kind: AdviceKind,
  interval: number,
  session: Session,
  cycle: Cycle,
  { core, conduit }: Context,
): ReplyFields {
  session.rest(interval + cycle.maxInterval);
  return { successful: true, advice: core.advisor.advise(kind, session.timing(conduit.transport)) };
}

// ES-6: the stream's own times count, although the connect came by POST.
function answerHeartbeat(session: Session, { core }: Context): ReplyFields {
  const timing = session.timing('eventsource');
  session.rest(timing.timeout + timing.maxInterval);
  return { successful: true, advice: core.advisor.advise('heartbeat', timing) };
}

// EX-7: the session was sent away. The client is told to come again after this pause, by another connection.
function answerAway(pause: number, session: Session, context: Context): ReplyFields {
  const { core, conduit } = context;
  const timing = session.timing(conduit.transport);
  session.rest(pause + timing.maxInterval);
  if (conduit.shape === 'exchange') conduit.sendAway?.();
  else context.afterwards(() => conduit.end('shutdown'));
  return {
    successful: true,
    advice: { ...core.advisor.advise('retry', timing), interval: Math.ceil(pause) },
  };
}

// CN-12: the connect succeeds and is not held, or fails for good.
function refuseHold(
  request: ConnectRequest,
  { error, advice }: HoldRefusal,
  session: Session,
  cycle: Cycle,
  context: Context,
): ReplyFields {
  const { core, conduit } = context;
  if (error !== undefined) noteRefused(request, error, session, context);
  session.rest((advice.interval ?? cycle.interval) + cycle.maxInterval);
  const usual = core.advisor.advise(
    error === undefined ? 'retry' : 'none',
    session.timing(conduit.transport),
  );
  const fullAdvice = { ...usual, ...advice };
  return error === undefined
    ? { successful: true, advice: fullAdvice }
    : { successful: false, error: error.text, advice: fullAdvice };
}
