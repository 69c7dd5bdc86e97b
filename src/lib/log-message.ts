import type { LogEvent } from './log.ts';

/** A log event as one line of text: its name and the reason. */
export function messageOf({ event, why, error, reason, option, channel }: LogEvent): string {
  const name = event.replaceAll(/[._]/g, ' ');
  const text =
    why ?? textOf(error) ?? reason ?? (option === undefined ? channel : `the limit is "${option}"`);
  return text === undefined ? name : `${name}: ${text}`;
}

function textOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0];
}
