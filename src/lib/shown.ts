/** A value as short text for an error message. Never throws. */
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
    // The value has a circular reference or a BigInt.
    return 'an object';
  }
}
