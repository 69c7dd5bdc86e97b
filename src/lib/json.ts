import { UsageError } from './usage-error.ts';

/** A copy by way of JSON. Throws `UsageError` for what JSON cannot carry. */
export function copyOf<T>(value: T): T {
  return JSON.parse(toJson(value));
}

function toJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw new UsageError('data must be a value JSON can carry', { cause });
  }
  if (text === undefined) throw new UsageError(`data must be a value JSON can carry, got ${typeof value}`);
  return text;
}
