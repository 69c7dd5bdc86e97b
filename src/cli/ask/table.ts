import { printable } from '../../lib/printable.ts';

/** A column of a table. */
export interface Column<T> {
  readonly title: string;
  /** Whether its values are numbers, which are aligned on the right. */
  readonly isNumber?: boolean;
  /** Whether its values may be cut where the terminal is too narrow. */
  readonly isCut?: boolean;
  of(item: T): string;
}

/** Spaces between columns. */
const GAP = 2;
/** Narrowest column of values that are cut. */
const NARROWEST = 8;

/** Formats items as lines. The first items set the widths, so that a long list can be printed page by page. */
export class Table<T> {
  readonly #columns: readonly Column<T>[];
  readonly #terminal: number | undefined;
  #widths: readonly number[] | undefined;

  /** `terminal`: columns of the terminal; undefined if the output is none, and nothing is cut. */
  constructor(columns: readonly Column<T>[], terminal: number | undefined) {
    this.#columns = columns;
    this.#terminal = terminal;
  }

  /** The lines of these items; before the first ones, the titles. */
  lines(items: readonly T[]): string[] {
    const rows = items.map((item) => this.#columns.map((column) => printable(column.of(item))));
    if (this.#widths !== undefined) return rows.map((row) => this.#line(row));
    const titles = this.#columns.map(({ title }) => title);
    this.#widths = this.#fitting([titles, ...rows]);
    return [titles, ...rows].map((row) => this.#line(row));
  }

  #fitting(rows: readonly (readonly string[])[]): readonly number[] {
    const widths = this.#columns.map((_, at) => longest(rows, at));
    if (this.#terminal === undefined) return widths;
    let excess = sum(widths) + GAP * (widths.length - 1) - this.#terminal;
    while (excess > 0) {
      const widest = Math.max(...widths.filter((_, at) => this.#columns[at]?.isCut === true));
      if (widest <= NARROWEST) break;
      const at = widths.findIndex((width, at) => width === widest && this.#columns[at]?.isCut === true);
      widths[at] = widest - 1;
      excess -= 1;
    }
    return widths;
  }

  #line(row: readonly string[]): string {
    const cells = this.#columns.map(({ isNumber, isCut }, at) => {
      const width = this.#widths?.[at] ?? 0;
      const text = row[at] ?? '';
      const shown = isCut === true && this.#terminal !== undefined ? cut(text, width) : text;
      const padding = ' '.repeat(Math.max(0, width - cellsOf(shown)));
      return isNumber === true ? padding + shown : shown + padding;
    });
    return cells.join(' '.repeat(GAP)).trimEnd();
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

// A loop: `Math.max` takes no more arguments than the stack has room for.
function longest(rows: readonly (readonly string[])[], at: number): number {
  return rows.reduce((most, row) => Math.max(most, cellsOf(row[at] ?? '')), 0);
}

/** Cuts a text to this many columns; an ellipsis stands for the rest. */
function cut(text: string, width: number): string {
  if (cellsOf(text) <= width) return text;
  let kept = '';
  let cells = 1;
  for (const character of text) {
    cells += cellsOf(character);
    if (cells > width) break;
    kept += character;
  }
  return `${kept}…`;
}

const plain = /^[ -~]*$/;
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/gu;
const noWidth = /\p{Mn}|\p{Me}|\p{Cf}/gu;

/** Columns that a terminal takes for a text: two for Chinese characters and the like, none for combining marks. */
export function cellsOf(text: string): number {
  if (plain.test(text)) return text.length;
  const characters = Array.from(text.replaceAll(noWidth, ''));
  return characters.length + (text.match(wide)?.length ?? 0);
}
