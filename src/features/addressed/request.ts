import { type BayeuxError, errors } from '../../protocol/errors.ts';
import { isObject } from '../../protocol/message.ts';
import type { Addressing, Receipts } from './options.ts';

/** A message as its sender wrote it. */
export interface AddressedRequest {
  /** User ids, each once. */
  readonly receivers: readonly string[];
  readonly payload: unknown;
  readonly volatile: boolean;
  /** Whether the sender wants to know when a receiver's client has confirmed the message. */
  readonly wantsRead: boolean;
  readonly receipts: Receipts;
  /** A name that the sender gave to the message, for its receipts. */
  readonly ref?: string;
}

/** Most characters of a user id, or of `ref`. */
const MAX_TEXT = 255;

const aText = `must be a text of 1 to ${MAX_TEXT} characters`;

/** Reads the data of a publish to an addressed channel. Throws `BayeuxError` that says what is wrong with it (AD-2). */
export function readRequest(
  channel: string,
  data: unknown,
  { maxReceivers, receipts }: Addressing,
): AddressedRequest {
  const refuse = (path: string, message: string) => refusal(channel, path, message);
  if (!isObject(data)) throw refuse('', 'must be an object { receivers, payload }');
  const { payload, volatile = false, receipt, receipts: wanted, ref } = data;
  if (!Object.hasOwn(data, 'payload')) throw refuse('', "must have required property 'payload'");
  if (typeof volatile !== 'boolean') throw refuse('/volatile', 'must be boolean');
  if (receipt !== undefined && receipt !== 'read') throw refuse('/receipt', 'must be equal to "read"');
  if (wanted !== undefined && wanted !== 'event') throw refuse('/receipts', 'must be equal to "event"');
  if (ref !== undefined && !isText(ref)) throw refuse('/ref', aText);
  return {
    receivers: readReceivers(data.receivers, maxReceivers, refuse),
    payload,
    volatile,
    wantsRead: receipt === 'read' && receipts !== false,
    receipts: receipts && (wanted ?? receipts),
    ...(ref !== undefined && { ref }),
  };
}

function readReceivers(
  given: unknown,
  most: number,
  refuse: (path: string, message: string) => BayeuxError,
): string[] {
  if (!Array.isArray(given) || given.length === 0)
    throw refuse('/receivers', 'must be a list of at least one user id');
  if (given.length > most) throw refuse('/receivers', `must NOT have more than ${most} items`);
  const wrong = given.findIndex((id) => !isText(id));
  if (wrong !== -1) throw refuse(`/receivers/${wrong}`, `${aText}, the id of a user`);
  return [...new Set<string>(given)];
}

// Half a character (a lone surrogate) would become another text when it is stored.
function isText(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT && !/\p{Surrogate}/u.test(value)
  );
}

function refusal(channel: string, path: string, message: string): BayeuxError {
  return errors.dataInvalid(channel, { path, message }, 'what an addressed channel takes');
}
