import type { OptionTable } from './table.ts';

/** Practically no limit, for counts. */
export const many = 1_000_000_000;

/** A row for an option that is on or off. */
export const toggle = (initial: boolean, doc: string) =>
  ({ kind: 'boolean', default: initial, doc }) as const;

/** A row for a time. */
export const ms = (initial: number, doc: string, min = 0) =>
  ({ kind: 'number', unit: 'milliseconds', min, max: many, default: initial, doc }) as const;

/** A row for the size of a message or response. */
export const bytes = (initial: number, doc: string) =>
  ({ kind: 'integer', unit: 'bytes', min: 1, max: 268_435_456, default: initial, doc }) as const;

/** A row for a count of some unit. */
export const count = (unit: string, initial: number, min: number, max: number, doc: string) =>
  ({ kind: 'integer', unit, min, max, default: initial, doc }) as const;

/** A group of options under one name. */
export const group = <const Rows extends OptionTable>(doc: string, rows: Rows) =>
  ({ kind: 'group', doc, rows }) as const;

/** The syntax of a name in HTTP, such as a cookie name. */
export const token = { pattern: /^[\w!#$%&'*+.^`|~-]+$/, what: 'a name of letters, digits and -_' } as const;
