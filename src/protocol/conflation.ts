import type { Event } from './message.ts';

/**
 * What events are versions of the same thing: those of one channel with the same value at a JSON pointer (RFC 6901) into `data`.
 * Undefined where there is nothing at the pointer.
 */
export function conflationKey({ channel, data }: Event, pointer: string): string | undefined {
  let value = data;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    if (Array.isArray(value) && name === 'length') return undefined;
    value = value[name];
  }
  return value === undefined ? undefined : `${channel}\n${JSON.stringify(value, sorted)}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

// The same text for the same value, in whatever order its keys came.
function sorted(_key: string, value: unknown): unknown {
  if (!isObject(value) || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
