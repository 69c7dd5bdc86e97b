import type { OptionRow } from '../options/table.ts';

/** Reads the text of a flag or variable as its option's kind. What does not read as that stays text, to be refused by name. */
export function fromText(row: OptionRow, text: string): unknown {
  const word = row.words?.find((known) => String(known) === text);
  if (word !== undefined) return word;
  switch (row.kind) {
    case 'number':
    case 'integer':
      return numberFromText(text);
    case 'boolean':
      return text === 'true' || text === 'false' ? text === 'true' : text;
    case 'list':
      if (row.count !== undefined && /^\d+$/.test(text)) return Number(text);
      return text === '' ? [] : text.split(',').map((item) => item.trim());
    case 'rules':
      return jsonFromText(text);
    default:
      return text;
  }
}

/** How a value is written where there is no number for it. */
export const unlimited = 'unlimited';

function numberFromText(text: string): number | string {
  if (text === unlimited) return Number.POSITIVE_INFINITY;
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function jsonFromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // The check behind says what it should have been.
  }
}
