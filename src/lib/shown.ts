/** A value as an error message says it: short, and never a failure of its own. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'object' || typeof value === 'string' ? jsonOf(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function jsonOf(value: object | string | null): string {
  if (value !== null && typeof value === 'object' && 'then' in value) return 'a promise';
  try {
    return JSON.stringify(value) ?? 'an object';
  } catch {
    // A circle, or a BigInt within.
    return 'an object';
  }
}
