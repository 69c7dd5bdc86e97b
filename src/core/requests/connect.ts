import { errors } from '../../protocol/errors.ts';
import type { ConnectRequest, ReplyFields } from '../../protocol/message.ts';
import type { HoldRefusal } from '../../ports/feature.ts';
import type { Timing } from '../../ports/transport.ts';
import type { AdviceKind } from '../advice.ts';
import type { Context } from '../context.ts';
import { noteRefused } from '../refused-message.ts';
import type { Session } from '../session.ts';

/** The rhythm of one connect and the next. Milliseconds. */
interface Cycle extends Timing {
  /** How long this connect is held, if it is. */
  readonly hold: number;
}

/** Answers a connect at once, or has the session hold it: then there is no reply yet. */
export function connect(
  request: ConnectRequest,
  session: Session,
  context: Context,
): ReplyFields | undefined {
  const { core, conduit } = context;
  // A feature may have ended it.
  if (session.state === 'gone')
    throw session.wasTold ? errors.sessionDisconnected() : errors.sessionUnknown();
  const { connectionType: type } = request;
  if (type !== undefined && type !== conduit.transport) checkType(type, context);
  session.setCredit(request.ext?.flow);
  session.giveWay(request, conduit);
  if (conduit.shape === 'socket') session.attach(conduit);
  else session.leaveSocket();

  const beats = isHeartbeat(request, session, context);
  // A stream that is open and busy is no older way: heartbeats come beside it.
  if (!beats || !session.isPushed) session.overtake(conduit);
  if (beats) return answerHeartbeat(session, context);
  const cycle = cycleOf(request, session, context);
  const drain = core.drainsIn();
  if (drain !== undefined) return answerDraining(drain, session, cycle, context);
  if (mustAnswer(request, session, context) || cycle.hold === 0) {
    return answer('retry', cycle.interval, session, cycle, context);
  }

  const refusal = session.hold(request, conduit, cycle.hold, cycle.interval + cycle.maxInterval);
  return refusal && refuseHold(request, refusal, session, cycle, context);
}

// CN-3: a type that is named must be one that is offered here.
function checkType(type: string, { core }: Context): void {
  if (!core.replies.greeting.supportedConnectionTypes.includes(type))
    throw errors.connectionTypeUnsupported(type);
}

// ADV-11, ADV-12: the client's own advice holds for this cycle, and within limits.
function cycleOf({ advice }: ConnectRequest, session: Session, { core, conduit }: Context): Cycle {
  const timing = session.timing(conduit.transport);
  const { maxClientInterval } = core.options;
  return {
    ...timing,
    hold: Math.min(advice?.timeout ?? timing.timeout, timing.timeout),
    interval: advice?.interval === undefined ? timing.interval : Math.min(advice.interval, maxClientInterval),
  };
}

// ES-6: the events of such a client come by its stream; the connect only shows that it lives.
function isHeartbeat(
  { connectionType: type }: ConnectRequest,
  session: Session,
  { conduit }: Context,
): boolean {
  return type === 'eventsource' && conduit.shape === 'exchange' && !session.isDeliverOnly('eventsource');
}

// CN-4 to CN-7; and CN-15 where the peer went while extensions thought.
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

// EX-7: what is left of the window tells the client when to try elsewhere.
function answerDraining(left: number, session: Session, cycle: Cycle, context: Context): ReplyFields {
  const { core, conduit } = context;
  session.rest(left + cycle.maxInterval);
  const advice = core.advisor.advise('retry', session.timing(conduit.transport));
  return { successful: true, advice: { ...advice, interval: Math.ceil(left) } };
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
  const told = { ...usual, ...advice };
  return error === undefined
    ? { successful: true, advice: told }
    : { successful: false, error: error.text, advice: told };
}
