import { Ajv, type ValidateFunction } from 'ajv';
import { overLimit } from './over-limit.ts';
import { BatchError } from './errors.ts';
import {
  isObject,
  type JsonObject,
  type MessageId,
  type MetaChannel,
  type ReadableRequest,
  type Request,
} from './message.ts';

/** How much one batch may hold (PR-9). */
export interface BatchLimits {
  /** Messages. */
  readonly maxBatch: number;
  /** Levels of nested arrays and objects. */
  readonly maxDepth: number;
}

/**
 * Reads one batch: an array of messages or a single message, as one text or, from a form, as several texts. A message
 * that cannot be read is returned as `kind: 'invalid'`, without an effect on the others. Throws `BatchError` when a text is
 * not a batch, or when the batch exceeds a limit.
 */
export function decode(texts: string | readonly string[], limits: BatchLimits): Request[] {
  const batch: unknown[] = [];
  for (const text of typeof texts === 'string' ? [texts] : texts) {
    const exceeded = exceededBy(text, limits);
    if (exceeded !== undefined) throw tooLarge(exceeded, limits);
    let parsed: unknown;
    try {
      parsed = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
    } catch {
      throw malformed();
    }
    if (Array.isArray(parsed)) for (const element of parsed) batch.push(element);
    else batch.push(parsed);
    if (batch.length > limits.maxBatch) throw tooLarge('maxBatch', limits);
  }
  // PR-10: an element that is not an object makes the whole batch malformed, before any message takes effect.
  const requests: Request[] = [];
  for (const message of batch) {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) throw malformed();
    requests.push(readMessage(message as JsonObject));
  }
  return requests;
}

function malformed(): BatchError {
  return new BatchError('malformed', 'the text is no batch of Bayeux messages, a JSON array of objects');
}

function tooLarge(option: keyof BatchLimits, limits: BatchLimits): BatchError {
  return new BatchError('too_large', overLimit(option, limits[option]), option);
}

/**
 * The limit that a JSON text exceeds. Reads the text itself, so that no recursive code runs on the value (SEC-8), and so that too many
 * messages are not parsed. A text with few brackets is left to the parser.
 */
function exceededBy(text: string, limits: BatchLimits): keyof BatchLimits | undefined {
  // A text with fewer opening brackets cannot nest deeper. This cheap check is enough for almost every message.
  let brackets = 0;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      brackets += 1;
      if (brackets > limits.maxDepth) return scanned(text, limits);
    }
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `code | BRACE` is the brace also for a square bracket: `[` and `{`, `]` and `}` differ in this bit alone. */
const OPENING = 0x7b;
const CLOSING = 0x7d;
const BRACE = 0x20;
const COMMA = 0x2c;

function scanned(text: string, { maxDepth, maxBatch }: BatchLimits): keyof BatchLimits | undefined {
  const isList = /^\ufeff?\s*\[/.test(text);
  let depth = 0;
  let messages = 1;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if ((code | BRACE) === OPENING) {
      depth += 1;
      if (depth > maxDepth) return 'maxDepth';
    } else if ((code | BRACE) === CLOSING) depth -= 1;
    else if (code === COMMA && depth === 1 && isList) {
      messages += 1;
      if (messages > maxBatch) return 'maxBatch';
    }
  }
  return undefined;
}

const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;
const object = { type: 'object' } as const;
const amount = { type: 'number', minimum: 0 } as const;
const subscription = { anyOf: [text, texts] };
const common = { clientId: text, ext: object };
const advice = { type: 'object', properties: { timeout: amount, interval: amount } };

// Without `meta` nothing compiles the schema of schemas, which takes longer than all of these.
const ajv = new Ajv({ allowUnionTypes: true, meta: false, validateSchema: false });

function shape(properties: object): ValidateFunction {
  return ajv.compile({ type: 'object', properties: { ...common, ...properties } });
}

const shapes: Record<ReadableRequest['kind'], ValidateFunction> = {
  handshake: shape({ version: { type: ['string', 'number'] }, supportedConnectionTypes: texts }),
  connect: shape({ connectionType: text, advice }),
  subscribe: shape({ subscription }),
  unsubscribe: shape({ subscription }),
  disconnect: shape({}),
  publish: shape({}),
};
const isId = ajv.compile<MessageId | null>({
  anyOf: [{ type: 'string', maxLength: 128 }, { type: 'number' }, { type: 'null' }],
});

// Whether it is surely an id: `maxLength` counts characters, of which a text has no more than units.
function isShort(id: unknown): id is string {
  return typeof id === 'string' && id.length <= 128;
}

const kinds: Record<MetaChannel, ReadableRequest['kind']> = {
  '/meta/handshake': 'handshake',
  '/meta/connect': 'connect',
  '/meta/subscribe': 'subscribe',
  '/meta/unsubscribe': 'unsubscribe',
  '/meta/disconnect': 'disconnect',
};
const kindByChannel = new Map<string, ReadableRequest['kind']>(Object.entries(kinds));

function readMessage(message: JsonObject): Request {
  const { id, channel } = message;
  if (isShort(id) && typeof channel === 'string' && !kindByChannel.has(channel)) {
    const { clientId, data } = message;
    // Most messages are like this, and read without a schema: one check of all keys finds any other field.
    if (typeof clientId === 'string' && data !== undefined && Object.keys(message).length === 4)
      return { kind: 'publish', channel, id, clientId, data, hasData: true };
  }
  // ERR-5: the id is checked before the channel.
  if (id !== undefined && !isId(id)) {
    return { kind: 'invalid', fault: 'message_id_invalid', ...(typeof channel === 'string' && { channel }) };
  }
  const known = id === undefined || id === null ? {} : { id };
  if (typeof channel !== 'string') return { kind: 'invalid', fault: 'channel_missing', ...known };

  const kind = kindByChannel.get(channel) ?? 'publish';
  const fields = shapes[kind](message) ? message : wellTyped(message, shapes[kind]);
  return readFields(kind, channel, known, fields, message);
}

// The casts below are safe: the shapes have checked these types.
function readFields(
  kind: ReadableRequest['kind'],
  channel: string,
  known: { id?: MessageId },
  fields: JsonObject,
  message: JsonObject,
): ReadableRequest {
  const request: Record<string, unknown> = { kind, channel, ...known };
  const clientId = message.clientId;
  if (clientId !== undefined && clientId !== null) request.clientId = fields.clientId ?? '';
  if (fields.ext !== undefined) request.ext = withoutProto(fields.ext);
  for (const name of Object.keys(message)) {
    if (knownFields.has(name)) continue;
    const extra = unknownFields(message);
    if (extra !== undefined) request.extra = extra;
    break;
  }
  for (const name of fieldsOf[kind]) if (fields[name] !== undefined) request[name] = fields[name];
  if (request.advice !== undefined) request.advice = withoutProto(request.advice);
  if (kind === 'handshake') readVersions(request);
  if (kind === 'publish') request.hasData = Object.hasOwn(message, 'data');
  return request as unknown as ReadableRequest;
}

const fieldsOf: Record<ReadableRequest['kind'], readonly string[]> = {
  handshake: ['version', 'minimumVersion', 'supportedConnectionTypes'],
  connect: ['connectionType', 'advice'],
  subscribe: ['subscription'],
  unsubscribe: ['subscription'],
  disconnect: [],
  publish: ['data'],
};

// HS-4: a JSON number is read as its text.
function readVersions(request: Record<string, unknown>): void {
  for (const name of ['version', 'minimumVersion']) {
    const value = request[name];
    if (typeof value === 'number') request[name] = String(value);
    else if (typeof value !== 'string') delete request[name];
  }
}

// MSG-9: a field of the wrong type counts as absent; so does a wrong number inside an advice. Each pass removes the field of
// the first fault, so that a long list of wrong elements takes one pass.
function wellTyped(message: JsonObject, fits: ValidateFunction): JsonObject {
  let fields = message;
  while (!fits(fields)) fields = withoutFault(fields, fits.errors?.[0]?.instancePath ?? '');
  return fields;
}

function withoutFault(message: JsonObject, path: string): JsonObject {
  const [name = '', inner] = path.slice(1).split('/');
  const value = message[name];
  const rest = without(message, name);
  return name === 'advice' && inner !== undefined && isObject(value)
    ? { ...rest, advice: without(value, inner) }
    : rest;
}

function without(value: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
}

const knownFields = new Set([
  ...Object.values(fieldsOf).flat(),
  ...['channel', 'id', 'clientId', 'ext', 'advice'],
  ...['successful', 'error', 'timestamp', 'connectionId', 'json-comment-filtered', 'authSuccessful'],
]);
const unsafeKeys = new Set(['__proto__', 'constructor', 'prototype']);

function unknownFields(message: JsonObject): JsonObject | undefined {
  const unknown = Object.keys(message).filter((key) => !knownFields.has(key) && !unsafeKeys.has(key));
  return unknown.length === 0 ? undefined : Object.fromEntries(unknown.map((key) => [key, message[key]]));
}

/** The value without keys that could change a prototype, at any depth (SEC-7). The depth limit bounds the recursion. */
function withoutProto(value: unknown): unknown {
  return hasUnsafeKeys(value) ? copyWithoutProto(value) : value;
}

function hasUnsafeKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasUnsafeKeys);
  for (const [key, inner] of Object.entries(value))
    if (unsafeKeys.has(key) || hasUnsafeKeys(inner)) return true;
  return false;
}

function copyWithoutProto(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyWithoutProto);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !unsafeKeys.has(key))
      .map(([key, inner]) => [key, copyWithoutProto(inner)]),
  );
}
