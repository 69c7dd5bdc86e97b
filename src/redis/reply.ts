/** Reads what Redis answered. Each function throws when the answer has another form. */

export function textOf(reply: unknown): string {
  if (typeof reply === 'string') return reply;
  throw new Error(`Redis answered ${typeof reply} where a text was expected`);
}

export function numberOf(reply: unknown): number {
  const value = typeof reply === 'string' && reply !== '' ? Number(reply) : reply;
  if (typeof value === 'number' && !Number.isNaN(value)) return value;
  throw new Error(`Redis answered ${typeof reply} where a number was expected`);
}

export function listOf(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply;
  throw new Error(`Redis answered ${typeof reply} where a list was expected`);
}

/** Neighbours of a flat list, such as the fields of a hash or of a stream entry. */
export function pairsOf(reply: unknown): [string, string][] {
  const list = listOf(reply);
  const pairs: [string, string][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([textOf(list[at]), textOf(list[at + 1])]);
  return pairs;
}

/** An entry of a stream: its id and its fields. */
export interface StreamEntry {
  readonly id: string;
  readonly fields: readonly (readonly [string, string])[];
}

/** The entries of one stream. */
export function entriesOf(reply: unknown): StreamEntry[] {
  return listOf(reply).map((entry) => {
    const [id, fields] = listOf(entry);
    return { id: textOf(id), fields: pairsOf(fields) };
  });
}
