import { grouped } from '../../lib/grouped.ts';
import { printable } from '../../lib/printable.ts';
import { isObject, type JsonObject } from '../../protocol/message.ts';
import { cellsOf } from './table.ts';

/** The fields of an answer, each with its values below one another. */
export function detailLines(answer: JsonObject): string[] {
  return pairLines(
    Object.entries(answer).map(([name, value]) => [wordsOf(name), valueLines(value)] as const),
  );
}

function pairLines(pairs: readonly (readonly [name: string, values: readonly string[]])[]): string[] {
  const width = Math.max(...pairs.map(([name]) => cellsOf(name))) + 2;
  return pairs.flatMap(([name, values]) =>
    values.map(
      (value, at) => (at === 0 ? name : '') + ' '.repeat(at === 0 ? width - cellsOf(name) : width) + value,
    ),
  );
}

function valueLines(value: unknown): string[] {
  if (Array.isArray(value)) return value.length === 0 ? ['-'] : value.map(textOf);
  if (isObject(value)) {
    const entries = Object.entries(value);
    return entries.length === 0
      ? ['-']
      : pairLines(entries.map(([name, inner]) => [printable(name), [textOf(inner)]]));
  }
  return [textOf(value)];
}

function textOf(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value)) return grouped(value);
  if (value === '') return '-';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** `waitingHandshakes` as `waiting handshakes`. */
function wordsOf(name: string): string {
  return printable(name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
}
