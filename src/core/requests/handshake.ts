import { BayeuxError, errors, NoRoomError } from '../../protocol/errors.ts';
import type { Advice, HandshakeRequest, ReplyFields } from '../../protocol/message.ts';
import type { Context } from '../context.ts';
import { andThen, type MaybePromise } from '../../lib/maybe-promise.ts';
import type { HandshakeAnswer } from '../../ports/policy.ts';
import type { GivenUser, User } from '../../ports/user.ts';
import { noteRefused } from '../refused-message.ts';
import { Session } from '../session.ts';
import { copyOf } from '../../lib/json.ts';
import { UsageError } from '../../lib/usage-error.ts';

/** The result of a handshake: with a session if it succeeded. */
export interface Handshaken {
  readonly session?: Session;
  readonly fields: ReplyFields;
}

type Allowed = Exclude<HandshakeAnswer, boolean | 'busy' | { allow: false }>;
type Denied = Extract<HandshakeAnswer, { allow: false }>;

/** Opens a session, if its version, its connection types, the policy and the limits allow it. */
export function handshake(request: HandshakeRequest, context: Context): MaybePromise<Handshaken> {
  context.core.counts.handshakes += 1;
  checkVersions(request);
  checkTypes(request, context);
  refuseOverCapacity(context);
  const { core, conduit } = context;
  if (core.features.admitting.length === 0 || conduit.trusted === true) return judge(request, context);
  return andThen(core.features.admit(request, conduit), () => judge(request, context));
}

function judge(request: HandshakeRequest, context: Context): MaybePromise<Handshaken> {
  const { core, conduit } = context;
  return andThen(core.judge.identify(request, conduit), (user) =>
    andThen(core.judge.canHandshake(request, conduit, undefined, user), (answer) => {
      if (answer === 'busy') throw busy(context);
      if (answer === false) throw errors.handshakeDenied();
      if (answer === true) return accept(request, { allow: true }, user, context);
      return answer.allow ? accept(request, answer, user, context) : deny(request, answer, context);
    }),
  );
}

// HS-4, HS-5: only the first number of a version counts. A version may be any text; `BayeuxError` reflects only legal ones.
function checkVersions({ version, minimumVersion }: HandshakeRequest): void {
  if (version === undefined) throw errors.parameterMissing('version');
  if (!(major(version) >= 1)) throw errors.versionMismatch(version);
  if (minimumVersion !== undefined && !(major(minimumVersion) <= 1))
    throw errors.versionMismatch(minimumVersion);
}

function major(version: string): number {
  const dot = version.indexOf('.');
  const first = dot === -1 ? version : version.slice(0, dot);
  return /^\d+$/.test(first) ? Number(first) : Number.NaN;
}

function checkTypes(
  { supportedConnectionTypes: offered }: HandshakeRequest,
  { core, conduit }: Context,
): void {
  // A session without connects needs no type of connection.
  if (core.transports.livesByConduit(conduit.transport)) return;
  if (offered === undefined) throw errors.parameterMissing('supportedConnectionTypes');
  const { supportedConnectionTypes: enabled } = core.replies.greeting;
  if (!offered.some((type) => enabled.includes(type))) {
    throw errors.connectionTypesUnsupported(offered.slice(0, 10));
  }
}

function refuseOverCapacity({ core, conduit }: Context): void {
  if (core.isClosing()) {
    // EX-7: by the same connection the client would come here again.
    conduit.sendAway?.();
    throw new NoRoomError('the server is closing');
  }
  const full = core.admission.refusalOf(conduit);
  if (full !== undefined) throw new NoRoomError(full);
}

function refuseOverUser({ id }: User, { core, conduit }: Context): void {
  const full = core.admission.refusalOfUser(core.sessions.ofUser(id).size, conduit);
  if (full !== undefined) throw new NoRoomError(full);
}

function busy({ core, conduit: { address } }: Context): NoRoomError {
  const why = 'canHandshake of the policy answered "busy"';
  core.refusals.note('session.refused', { option: 'policy', address, why });
  return new NoRoomError('the server is busy: come again later');
}

function accept(
  request: HandshakeRequest,
  answer: Allowed,
  identified: User | undefined,
  context: Context,
): Handshaken {
  // Other sessions may have opened while the policy was asked.
  refuseOverCapacity(context);
  const { core, conduit } = context;
  const named = conduit.user ?? answer.user;
  const user = named === undefined ? identified : userOf(named);
  if (user !== undefined) refuseOverUser(user, context);
  const attributes = answer.attributes && copyOf(answer.attributes, 'attributes');
  const session = new Session(
    {
      id: core.sessions.newId(),
      clientId: core.sessions.newSecret(),
      transport: conduit.transport,
      ...(user !== undefined && { user }),
      // CK-1: a session that came by WebSocket has no browser.
      ...(conduit.shape === 'exchange' && conduit.browser !== undefined && { browser: conduit.browser }),
      ...timingOf(answer),
      seat: core.admission.enter(conduit),
    },
    core,
  );
  if (attributes !== undefined) Object.assign(session.attributes, attributes);
  core.counts.opened += 1;
  core.sessions.add(session);
  conduit.session?.vacate(conduit);
  core.hooks.opened(session, request);
  session.join(core.features.attach(session, request, conduit));
  core.events.emit('session.opened', { session });
  core.log({ level: 'debug', event: 'session.opened', session: session.id, transport: conduit.transport });
  return { session, fields: welcome(session, answer, context) };
}

function userOf(user: GivenUser): User {
  return typeof user === 'string' ? { id: user, info: {} } : { id: user.id, info: user.info ?? {} };
}

// Absent times stay absent, so that the times of the server apply.
function timingOf({ timeout, interval, maxInterval }: Allowed) {
  if (timeout === undefined && interval === undefined && maxInterval === undefined) return {};
  const timing = {
    ...(timeout !== undefined && { timeout }),
    ...(interval !== undefined && { interval }),
    ...(maxInterval !== undefined && { maxInterval }),
  };
  for (const [name, ms] of Object.entries(timing)) {
    if (!Number.isFinite(ms) || ms < 0)
      throw new UsageError(`canHandshake gave ${ms} milliseconds for ${name}`);
  }
  return { timing };
}

function welcome(session: Session, { ext }: Allowed, { core, conduit }: Context): ReplyFields {
  return {
    successful: true,
    ...core.replies.greeting,
    clientId: session.clientId,
    advice: core.advisor.advise('retry', session.timing(conduit.transport)),
    ...(ext !== undefined && { ext }),
  };
}

function deny(request: HandshakeRequest, { error, advice, ext }: Denied, context: Context): Handshaken {
  const { core, conduit } = context;
  const text = readableError(error);
  noteRefused(request, errors.handshakeDenied(), undefined, context, text);
  // ADV-5: a client that is told to try again also gets a pause, unless the policy sets one.
  const kind = advice?.reconnect === undefined || advice.reconnect === 'none' ? 'none' : 'again';
  const usual = core.advisor.advise(kind, core.transports.timing(conduit.transport));
  return {
    fields: {
      successful: false,
      ...core.replies.greeting,
      error: text,
      advice: withoutRetry({ ...usual, ...advice }),
      ...(ext !== undefined && { ext }),
    },
  };
}

// ERR-1, ERR-2: a text that clients cannot read is replaced.
function readableError(error: string | undefined): string {
  if (error !== undefined && /^\d{3}:[^:]*:[A-Za-z0-9\-_!~()$@ /*.]*$/.test(error))
    return BayeuxError.from(error).text;
  return errors.handshakeDenied().text;
}

// ADV-4: after a failed handshake there is no session to retry a connect with.
function withoutRetry(advice: Advice): Advice {
  return advice.reconnect === 'retry' ? { ...advice, reconnect: 'handshake' } : advice;
}
