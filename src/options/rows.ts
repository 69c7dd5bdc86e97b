import type { OptionTable } from './table.ts';

/** As good as no limit, for what is counted. */
export const many = 1_000_000_000;

/** Something that is on or off. */
export const toggle = (initial: boolean, doc: string) =>
  ({ kind: 'boolean', default: initial, doc }) as const;

/** A time. */
export const ms = (initial: number, doc: string, min = 0) =>
  ({ kind: 'number', unit: 'milliseconds', min, max: many, default: initial, doc }) as const;

/** A size that fits one message or response. */
export const bytes = (initial: number, doc: string) =>
  ({ kind: 'integer', unit: 'bytes', min: 1, max: 268_435_456, default: initial, doc }) as const;

/** A number of things. */
export const count = (unit: string, initial: number, min: number, max: number, doc: string) =>
  ({ kind: 'integer', unit, min, max, default: initial, doc }) as const;

/** Options under one name. */
export const group = <const Rows extends OptionTable>(doc: string, rows: Rows) =>
  ({ kind: 'group', doc, rows }) as const;

/** The pattern of what may stand as a name in HTTP. */
export const token = { pattern: /^[\w!#$%&'*+.^`|~-]+$/, what: 'a name of letters, digits and -_' } as const;
