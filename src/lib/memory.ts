/** Bytes of an object or array, of a number that is not a small integer, and so on. Measured on Node 20, rounded up. */
const OBJECT = 64;
const NUMBER = 16;
const STRING = 24;
const PROPERTY = 56;
const PLACE = 8;

/** Estimated memory of a value parsed from JSON. Rather too high, since property names are often shared. Bytes. */
export function memoryOf(value: unknown): number {
  if (typeof value === 'string') return STRING + 2 * value.length;
  if (typeof value === 'number') return NUMBER;
  if (typeof value !== 'object' || value === null) return PLACE;
  let sum = OBJECT;
  if (Array.isArray(value)) {
    for (const item of value) sum += PLACE + memoryOf(item);
    return sum;
  }
  for (const [name, item] of Object.entries(value)) sum += PROPERTY + name.length + memoryOf(item);
  return sum;
}
