import type { RequestInfo } from '../ports/conduit.ts';
import type { Extension } from '../ports/session.ts';
import { checkNames, type Shape } from '../lib/known-names.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import { decode } from '../protocol/codec.ts';
import { BayeuxError, errors } from '../protocol/errors.ts';
import { type Event, isObject, type ReadableRequest, type Reply } from '../protocol/message.ts';

/** A message as Faye shows it to an extension: a plain object of its own, to be changed at will. */
export interface FayeMessage {
  channel: string;
  id?: string | number;
  clientId?: string;
  // biome-ignore lint/suspicious/noExplicitAny: extensions written for Faye reach into it unchecked
  data?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  ext?: any;
  subscription?: string | string[];
  error?: string;
  successful?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  [field: string]: any;
}

/** Goes on with the message, or deletes it. */
export type FayeCallback = (message?: FayeMessage | null) => void;

/**
 * Takes `(message, callback)` or, as in Faye, `(message, request, callback)`, where `request` is a `RequestInfo` or `null`.
 * No type says both at once and still tells the parameters of a plain function.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type FayeHook = (message: FayeMessage, ...requestAndCallback: any[]) => void;

/** A server-side extension written for Faye. */
export interface FayeExtension {
  incoming?: FayeHook;
  outgoing?: FayeHook;
}

/**
 * Runs an extension written for Faye's server. What is different here:
 *
 * - `request` is the plain `RequestInfo` (headers, cookies, address, url), and `null` in `outgoing` and for in-process sessions.
 * - `incoming` sees what clients send, not what `server.publish` does. The channel, id and clientId of a message stay as they are.
 * - A deleted message is answered, with `404::message_deleted`; an error that is no `code:args:text` becomes `403::text`.
 * - `outgoing` may change `ext` of a reply, and `data` and `ext` of an event, or delete either. For events, it is called once
 *   for each receiver, and must call back at once: an event whose callback comes later, or never, is kept back.
 * - An extension that throws refuses the message, and a warning of the process says so.
 */
export function fayeExtension(extension: FayeExtension, name = 'faye'): Extension {
  checkNames(extension, shapeOf(name));
  const { incoming, outgoing } = extension;
  const call = (hook: FayeHook, message: FayeMessage, request: RequestInfo | null): MaybePromise<Outcome> =>
    run(name, extension, hook, message, request);
  return {
    name,
    ...(incoming !== undefined && {
      incoming(request, { conduit: { transport, request: info } }) {
        const sent = messageOf(request);
        const outcome = call(incoming, copy(sent), transport === 'in-process' ? null : info);
        return after(outcome, (message) => requestOf(request, sent, message));
      },
    }),
    ...(outgoing !== undefined && {
      outgoing: (reply) =>
        after(call(outgoing, copy({ ...reply, channel: reply.channel ?? '' }), null), (message) =>
          withExt(reply, message.ext),
        ),
      delivering(event) {
        const outcome = call(outgoing, copy(event), null);
        if (isPromise(outcome)) {
          warn(name, `kept back an event on ${event.channel}: outgoing did not call back at once`);
          return undefined;
        }
        return typeof outcome === 'object' ? eventOf(event, outcome) : undefined;
      },
    }),
  };
}

// `added` and `removed` are Faye's too, and called by its server alone. What else such an object has is its own business, unless
// it is nearly one of the four.
const shapeOf = (name: string): Shape => ({
  what: `the Faye extension "${name}"`,
  functions: ['incoming', 'outgoing', 'added', 'removed'],
  others: [],
  isOpen: true,
});

/** The message as it went on, or why it did not. */
type Outcome = FayeMessage | 'deleted' | 'failed';

/** Calls a hook. The first thing it says counts: that it goes on with a message or none, or that it throws, now or later. */
function run(
  name: string,
  extension: FayeExtension,
  hook: FayeHook,
  message: FayeMessage,
  request: RequestInfo | null,
): MaybePromise<Outcome> {
  let outcome: Outcome | undefined;
  let later: (outcome: Outcome) => void = () => {};
  const settle = (now: Outcome): void => {
    outcome ??= now;
    later(outcome);
  };
  const callback: FayeCallback = (passed) => settle(passed ?? 'deleted');
  const failed = (error: unknown): void => {
    warn(name, error instanceof Error ? (error.stack ?? error.message) : String(error));
    settle('failed');
  };
  // Faye's own way to tell the two forms apart.
  const args = hook.length >= 3 ? [message, request, callback] : [message, callback];
  void recover(() => adopt<unknown>(Reflect.apply(hook, extension, args)), failed);
  if (outcome !== undefined) return outcome;
  return new Promise((resolve) => {
    later = resolve;
  });
}

function warn(name: string, text: string): void {
  process.emitWarning(`extension "${name}": ${text}`, { type: 'BayeuxdWarning' });
}

function after<T>(
  outcome: MaybePromise<Outcome>,
  next: (message: FayeMessage) => T,
): MaybePromise<T | undefined> {
  if (isPromise(outcome)) return outcome.then((later) => after(later, next));
  if (outcome === 'failed') throw errors.serverError();
  return outcome === 'deleted' ? undefined : next(outcome);
}

/** As the client sent it: what only the codec knows is left out. */
function messageOf(request: ReadableRequest): FayeMessage {
  return copy({ ...request.extra, ...request, kind: undefined, extra: undefined, hasData: undefined });
}

function copy(message: object): FayeMessage {
  return JSON.parse(JSON.stringify(message));
}

/** The request as the extension left it: read like any message, so that nothing behind the codec checks a field again. */
function requestOf(request: ReadableRequest, sent: FayeMessage, message: FayeMessage): ReadableRequest {
  if (message.error !== undefined && message.error !== null) throw refusal(String(message.error));
  const { channel, id, clientId } = sent;
  const text = JSON.stringify({ ...message, channel, id, clientId });
  if (text === JSON.stringify({ ...sent, channel, id, clientId })) return request;
  const [read] = decode(text, { maxBatch: 1, maxDepth: Number.POSITIVE_INFINITY });
  return read === undefined || read.kind === 'invalid' ? request : read;
}

// ERR-1, ERR-2: Faye lets an extension say anything; clients read three digits, args and plain text.
function refusal(error: string): BayeuxError {
  const text = error.replace(/[^A-Za-z0-9\-_!~()$@ /*.:,]/g, ' ').slice(0, 255);
  return /^\d{3}:[^:]*:[^:]*$/.test(text)
    ? BayeuxError.from(text)
    : new BayeuxError(403, [], text.replaceAll(/[:,]/g, ' '));
}

function withExt(reply: Reply, ext: unknown): Reply {
  if (isObject(ext)) return { ...reply, ext };
  const { ext: _, ...rest } = reply;
  return rest;
}

// An event nobody changed stays the very one that all receivers share (DL-7).
function eventOf(event: Event, { data, ext }: FayeMessage): Event {
  if (JSON.stringify([data, ext]) === JSON.stringify([event.data, event.ext])) return event;
  const { ext: _, ...rest } = event;
  return { ...rest, data, ...(isObject(ext) && { ext }) };
}
