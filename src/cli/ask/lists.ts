import type { JsonObject } from '../../protocol/message.ts';
import { shownDuration } from './shown-time.ts';
import type { Column } from './table.ts';

type Item = JsonObject;

const field = (title: string, name: string, more: Partial<Column<Item>> = {}): Column<Item> => ({
  title,
  of: ({ [name]: value }) => textOf(value),
  ...more,
});

/** How long ago the time in a field is, at `now`. */
const since = (title: string, name: string, now: number): Column<Item> => ({
  title,
  isNumber: true,
  of: ({ [name]: at }) => (typeof at === 'number' ? shownDuration(now - at) : textOf(at)),
});

const cut = { isCut: true };
const number = { isNumber: true };

export const sessionColumns: readonly Column<Item>[] = [
  field('SESSION', 'id'),
  field('USER', 'user', cut),
  field('TRANSPORT', 'transport', cut),
  field('STATE', 'state'),
  field('ADDRESS', 'address', cut),
  field('WAITS', 'waiting', number),
  field('SUBS', 'subscriptions', number),
];

export const userColumns: readonly Column<Item>[] = [
  field('USER', 'user', cut),
  field('SESSIONS', 'sessions', number),
];

export const channelColumns: readonly Column<Item>[] = [
  field('CHANNEL', 'channel', cut),
  field('SESSIONS', 'sessions', number),
];

export const presenceColumns = (now: number): readonly Column<Item>[] => [
  field('USER', 'id', cut),
  field('SESSIONS', 'sessions', number),
  since('FOR', 'since', now),
  field('INFO', 'info', cut),
];

export const historyColumns = (now: number): readonly Column<Item>[] => [
  field('ID', 'id', number),
  since('AGE', 'at', now),
  field('CHANNEL', 'channel', cut),
  field('DATA', 'data', cut),
];

/** A value of an answer as people read it: `-` for a missing one. */
function textOf(value: unknown): string {
  if (value === undefined || value === '') return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
