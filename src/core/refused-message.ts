import { overLimit } from '../protocol/over-limit.ts';
import { printable } from '../lib/printable.ts';
import { kindOf } from '../protocol/channel.ts';
import { type BayeuxError, errors } from '../protocol/errors.ts';
import type { Request } from '../protocol/message.ts';
import type { Context } from './context.ts';

/** Why a message fails, in words for those who run the server. */
interface Words {
  /** The option that would allow it. */
  readonly option?: string;
  readonly why: string;
}

/** As much of a text that a client chose as goes into the log. Characters. */
const SHOWN = 255;

// Not the client's doing, or logged already, or a part of the ordinary course of things.
const unsaid = new Set([
  errors.serverError().text,
  errors.noRoomToSubscribe().text,
  errors.sessionDisconnected().text,
  errors.connectReplaced().text,
  errors.tokenMissing().text,
  errors.tokenInvalid().text,
  errors.tokenExpired().text,
  errors.userMismatch().text,
]);

/** Logs that a message failed, and what would let it through. The application's own messages tell the application. */
export function noteRefused(
  request: Request,
  error: BayeuxError,
  session: { readonly id: string } | undefined,
  context: Context,
  reply = error.text,
): void {
  const { core, conduit } = context;
  if (conduit.trusted === true || unsaid.has(error.text)) return;
  const { option, why } = wordsFor(request, error, context);
  const { channel } = request;
  core.refusals.note('message.refused', {
    ...(option !== undefined && { option }),
    cause: error.code,
    why,
    reply: without(request, reply),
    ...(channel !== undefined && { channel: printable(without(request, channel).slice(0, SHOWN)) }),
    ...(session !== undefined && { session: session.id }),
    address: conduit.address,
  });
}

// SEC-2: a client may have its own secret stand in the name of a channel.
function without(request: Request, text: string): string {
  const secret = 'clientId' in request ? request.clientId : undefined;
  return secret ? text.replaceAll(secret, '<redacted>') : text;
}

function wordsFor(request: Request, error: BayeuxError, context: Context): Words {
  const { option, detail: why } = error;
  if (why !== undefined) return option === undefined ? { why } : { option, why };
  switch (error.code) {
    case 'session_unknown':
      return unknownSession(request, context);
    case 'channel_invalid':
      return invalidChannel(request, context);
    case 'handshake_denied':
      return denied('canHandshake');
    case 'subscribe_denied':
      return isMeta(request)
        ? { why: 'clients cannot subscribe to meta channels' }
        : notGranted('canSubscribe', context);
    case 'publish_denied':
      return isMeta(request)
        ? { why: 'clients cannot publish to meta channels' }
        : notGranted('canPublish', context);
    case 'message_deleted':
      return { option: 'extensions', why: 'an extension deleted it' };
    default:
      return { option: 'policy', why: 'the policy or an extension refused it' };
  }
}

function denied(question: string): Words {
  return { option: 'policy', why: `${question} of the policy refused it` };
}

function notGranted(question: string, { core }: Context): Words {
  if (core.features.judging.length === 0) return denied(question);
  return { option: 'channels', why: `no grant allows it, or ${question} of the policy refused it` };
}

function isMeta(request: Request): boolean {
  return namesOf(request).some((name) => kindOf(name) === 'meta');
}

function unknownSession(request: Request, { core }: Context): Words {
  if (request.kind === 'publish' && request.clientId === undefined)
    return {
      option: 'unconnectedPublish',
      why: 'the publish names no session; "unconnectedPublish" allows that',
    };
  if (core.sessions.named(request) !== undefined) return untrusted(core.options);
  return {
    option: 'maxInterval',
    why: 'the session is unknown: it ended or was silent for longer than "maxInterval", or the server was started anew',
  };
}

function untrusted({ trustClientSession }: Context['core']['options']): Words {
  return trustClientSession
    ? {
        option: 'websocket.requireHandshakePerConnection',
        why: 'the message comes by another WebSocket than its session; "websocket.requireHandshakePerConnection" forbids that',
      }
    : {
        option: 'trustClientSession',
        why: 'the message comes without the cookie, or by another WebSocket than its session; "trustClientSession" allows that',
      };
}

function invalidChannel(request: Request, { core: { grammar, options } }: Context): Words {
  const isLegal = (name: string) =>
    request.kind === 'publish' ? grammar.isName(name) : grammar.isNameOrPattern(name);
  const name = namesOf(request).find((one) => !isLegal(one)) ?? '';
  const { maxChannelLength, maxChannelSegments, channelNames } = options;
  if (name.length > maxChannelLength) return over('maxChannelLength', maxChannelLength);
  if (name.split('/').length - 1 > maxChannelSegments) return over('maxChannelSegments', maxChannelSegments);
  if (request.kind === 'publish' && name.includes('*'))
    return { why: 'the channel is a pattern: publish to one channel' };
  if (channelNames === 'cometd') return { why: 'the channel is no name of "channelNames": "cometd"' };
  return {
    option: 'channelNames',
    why: 'the channel is no name of letters, digits and - _ ! ~ ( ) $ @; "channelNames" allows more',
  };
}

function over(option: string, limit: number): Words {
  return { option, why: overLimit(option, limit) };
}

function namesOf(request: Request): readonly string[] {
  if (request.kind === 'subscribe' || request.kind === 'unsubscribe')
    return [request.subscription ?? []].flat();
  return [request.channel ?? ''];
}
