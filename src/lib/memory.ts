/** Measured on Node 20 and rounded up: an object or array, a number outside the small ones, a string, a property with its name. Bytes. */
const OBJECT = 64;
const NUMBER = 16;
const STRING = 24;
const PROPERTY = 56;
const PLACE = 8;

/** What a value that was parsed from JSON takes in memory, about, and rather too much: names of properties are often shared. Bytes. */
export function memoryOf(value: unknown): number {
  if (typeof value === 'string') return STRING + 2 * value.length;
  if (typeof value === 'number') return NUMBER;
  if (typeof value !== 'object' || value === null) return PLACE;
  let sum = OBJECT;
  if (Array.isArray(value)) {
    for (const one of value) sum += PLACE + memoryOf(one);
    return sum;
  }
  for (const [name, one] of Object.entries(value)) sum += PROPERTY + name.length + memoryOf(one);
  return sum;
}
