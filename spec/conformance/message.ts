import assert from 'node:assert/strict';

/** What a message is made of, or is expected to be made of. */
export type Fields = Readonly<Record<string, unknown>>;

/** A Bayeux message as it came off the wire. */
export interface Message {
  readonly id?: unknown;
  readonly channel?: string;
  readonly clientId?: unknown;
  readonly successful?: boolean;
  readonly error?: string;
  readonly subscription?: unknown;
  readonly data?: unknown;
  readonly advice?: Advice;
  readonly [field: string]: unknown;
}

interface Advice {
  readonly reconnect?: string;
  readonly interval?: number;
  readonly timeout?: number;
  readonly [field: string]: unknown;
}

export const isEvent = (message: Message): boolean => 'data' in message;

/** Reads what a server sent. Fails unless it is a non-empty array of objects (MSG-3, MSG-4). */
export function readBatch(text: string): Message[] {
  const batch: unknown = JSON.parse(text);
  assert(Array.isArray(batch), `not an array: ${text}`);
  assert(batch.length > 0, 'an empty array');
  for (const message of batch)
    assert(message !== null && typeof message === 'object', `not a message: ${text}`);
  return batch;
}

/** What an application sees of an event. */
export const eventOf = (message: Message | undefined) => ({ channel: message?.channel, data: message?.data });

/** Fails unless `message` is exactly `expected`. Expected advice that names no timeout allows the server's own. */
export function exactly(message: Message | undefined, expected: Fields): void {
  assert(message, `missing: ${JSON.stringify(expected)}`);
  assert.deepEqual({ ...message }, { ...expected, ...withTimeout(expected, message.advice?.timeout) });
}

function withTimeout({ advice }: Fields, timeout: number | undefined): Fields {
  if (typeof advice !== 'object' || advice === null || 'timeout' in advice) return {};
  return { advice: { ...advice, timeout: timeout && timeout > 0 ? timeout : 'a positive number' } };
}

export const succeeded = (reply: Message): Message => {
  assert.equal(reply.successful, true, `not successful: ${JSON.stringify(reply)}`);
  return reply;
};

/** Fails unless the reply refuses `request` with `error`, and says nothing else but `more`. */
export function refused(reply: Message | undefined, request: Fields, error: string, more: Fields = {}): void {
  const { id, channel } = request;
  exactly(reply, { id, channel, successful: false, error, ...more });
}

/** Fails unless these are the events of one channel and replies that all succeed. */
export function carries(messages: readonly Message[], channel: string, ...data: readonly unknown[]): void {
  const events = messages.filter(isEvent).map(eventOf);
  assert.deepEqual(
    events,
    data.map((one) => ({ channel, data: one })),
  );
  for (const message of messages) if (!isEvent(message)) succeeded(message);
}
