import type { OptionRow } from '../options/table.ts';

/** Converts the text of a flag or variable to the kind of its option. Invalid text stays text, for the check to refuse. */
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

/** The text for an infinite number. */
export const unlimited = 'unlimited';

function numberFromText(text: string): number | string {
  if (text === unlimited) return Number.POSITIVE_INFINITY;
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function jsonFromText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // The option's check reports the expected form.
  }
}
