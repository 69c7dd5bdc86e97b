import { UsageError } from './usage-error.ts';

/** A copy by way of JSON. Throws `UsageError` for what JSON cannot carry; `name` is what the error calls it. */
export function copyOf<T>(value: T, name = 'data'): T {
  return JSON.parse(toJson(value, name));
}

function toJson(value: unknown, name: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new UsageError(`${name} must be a value JSON can carry`, { cause });
  }
  if (text === undefined) throw new UsageError(`${name} must be a value JSON can carry, got ${typeof value}`);
  return text;
}
