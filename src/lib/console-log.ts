import type { Log, LogEvent } from './log.ts';
import { messageOf } from './log-message.ts';
import { printable } from './printable.ts';

/** Writes warnings and errors to the console, and messages where they are traced: what a server does that was given no log. */
export const consoleLog: Log = (event) => {
  const write = writers[event.level];
  if (write === undefined) return;
  const { level: _, event: __, why: ___, ...values } = event;
  write(`bayeuxd: ${printable(messageOf(event))}`, values);
};

// Looked up at each call: an application may put its own functions there.
const writers: { readonly [level in LogEvent['level']]?: (line: string, values: object) => void } = {
  // biome-ignore-start lint/suspicious/noConsole: it is what this log is for
  trace: (line, values) => console.debug(line, values),
  warn: (line, values) => console.warn(line, values),
  error: (line, values) => console.error(line, values),
  // biome-ignore-end lint/suspicious/noConsole: it is what this log is for
};
