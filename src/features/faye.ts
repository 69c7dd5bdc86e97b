/**
 * Extensions written for Faye.
 *
 * @module bayeuxd/compat/faye
 */

import type { RequestInfo } from '../ports/conduit.ts';
import type { Extension } from '../ports/session.ts';
import { checkNames, type Shape } from '../lib/known-names.ts';
import { adopt, isPromise, type MaybePromise, recover } from '../lib/maybe-promise.ts';
import { decode } from '../protocol/codec.ts';
import { BayeuxError, errors } from '../protocol/errors.ts';
import { type Event, isObject, type ReadableRequest, type Reply } from '../protocol/message.ts';

/** A message as Faye passes it to an extension: a plain copy that the extension may change. */
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

/** Continues with the message; without a message, deletes it. */
export type FayeCallback = (message?: FayeMessage | null) => void;

/**
 * Takes `(message, callback)` or, as in Faye, `(message, request, callback)`, where `request` is a `RequestInfo` or `null`.
 * No type allows both forms and still infers the parameters of a function.
 */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type FayeHook = (message: FayeMessage, ...requestAndCallback: any[]) => void;

/** A server-side extension written for Faye. */
export interface FayeExtension {
  incoming?: FayeHook;
  outgoing?: FayeHook;
}

/**
 * Runs an extension written for Faye's server. Differences from Faye:
 *
 * - `request` is the plain `RequestInfo` (headers, cookies, address, url), and `null` in `outgoing` and for in-process sessions.
 * - `incoming` sees messages of clients, not those of `server.publish`. It cannot change the channel, id and clientId.
 * - A deleted message is answered with `404::message_deleted`; an error that is not `code:args:text` becomes `403::text`.
 * - `outgoing` may change `ext` of a reply, and `data` and `ext` of an event, or delete either. For events, it is called
 *   once for each receiver and must call back at once: otherwise the event is not delivered.
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
          warn(name, `did not deliver an event on ${event.channel}: outgoing did not call back at once`);
          return undefined;
        }
        return typeof outcome === 'object' ? eventOf(event, outcome) : undefined;
      },
    }),
  };
}

// Faye also has `added` and `removed`, which only its own server calls. Other members are allowed, unless the name is a
// misspelling of one of the four.
const shapeOf = (name: string): Shape => ({
  what: `the Faye extension "${name}"`,
  functions: ['incoming', 'outgoing', 'added', 'removed'],
  others: [],
  isOpen: true,
});

/** The message to continue with, or why there is none. */
type Outcome = FayeMessage | 'deleted' | 'failed';

/** Calls a hook. Only its first result counts: a callback with or without a message, an exception or a rejection. */
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
  // Faye distinguishes the two forms in the same way.
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

/** The message as the client sent it, without the fields that the codec added. */
function messageOf(request: ReadableRequest): FayeMessage {
  return copy({ ...request.extra, ...request, kind: undefined, extra: undefined, hasData: undefined });
}

function copy(message: object): FayeMessage {
  return JSON.parse(JSON.stringify(message));
}

/** The request as changed by the extension. The codec reads it again, so that later code need not check its fields. */
function requestOf(request: ReadableRequest, sent: FayeMessage, message: FayeMessage): ReadableRequest {
  if (message.error !== undefined && message.error !== null) throw refusal(String(message.error));
  const { channel, id, clientId } = sent;
  const text = JSON.stringify({ ...message, channel, id, clientId });
  if (text === JSON.stringify({ ...sent, channel, id, clientId })) return request;
  const [read] = decode(text, { maxBatch: 1, maxDepth: Number.POSITIVE_INFINITY });
  return read === undefined || read.kind === 'invalid' ? request : read;
}

// ERR-1, ERR-2: in Faye, an extension may set any text; clients expect three digits, args and plain text.
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

// An unchanged event stays the object that all receivers share (DL-7).
function eventOf(event: Event, { data, ext }: FayeMessage): Event {
  if (JSON.stringify([data, ext]) === JSON.stringify([event.data, event.ext])) return event;
  const { ext: _, ...rest } = event;
  return { ...rest, data, ...(isObject(ext) && { ext }) };
}
