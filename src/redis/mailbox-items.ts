import type { Stored } from './batch.ts';
import { decodeEnvelope, type Envelope } from '../ports/envelope.ts';
import type { RosterChange } from '../ports/directory.ts';
import type { StreamEntry } from './reply.ts';

/** One thing that a mailbox brings. */
export type MailboxItem =
  | { readonly is: 'publication'; readonly envelope: Envelope }
  /** To the publisher alone: this number was a record, or was not published, since another one with its idempotency key was. */
  | { readonly is: 'repeated'; readonly number: number; readonly stored?: Stored }
  /** To the publisher alone: these numbers were not published, and will not be. */
  | { readonly is: 'skipped'; readonly first: number; readonly count: number }
  /** A roster that this node watches has changed. */
  | { readonly is: 'attended'; readonly roster: string; readonly change: RosterChange }
  /** Written by a later version, or damaged. */
  | { readonly is: 'unreadable'; readonly field: string };

/** An entry of a mailbox. */
export interface MailboxEntry {
  readonly id: string;
  /** Running number of the mailbox, without holes. */
  readonly number: number;
  readonly items: readonly MailboxItem[];
}

/** Reads an entry as the publish script writes it. */
export function mailboxEntry({ id, fields: [number, ...items] }: StreamEntry): MailboxEntry {
  if (number === undefined || number[0] !== 'n') throw new Error(`entry ${id} of the mailbox has no number`);
  return { id, number: Number(number[1]), items: items.map(([field, text]) => itemOf(field, text)) };
}

function itemOf(field: string, text: string): MailboxItem {
  if (field === 'r') return repeatedOf(text);
  if (field === 's') return skippedOf(text);
  if (field === 'a') return attendedOf(text);
  const envelope = field === 'p' ? decodeEnvelope(text) : undefined;
  return envelope === undefined ? { is: 'unreadable', field } : { is: 'publication', envelope };
}

function attendedOf(text: string): MailboxItem {
  const { v, roster, change } = JSON.parse(text);
  return v === 1 ? { is: 'attended', roster, change } : { is: 'unreadable', field: 'a' };
}

// Written by the script: `[number, {"h": id, "at": time}]`, or an empty object.
function repeatedOf(text: string): MailboxItem {
  const [number, { h, at }] = JSON.parse(text);
  return { is: 'repeated', number, ...(h !== undefined && { stored: { id: h, at } }) };
}

function skippedOf(text: string): MailboxItem {
  const [first, count] = JSON.parse(text);
  return { is: 'skipped', first, count };
}
