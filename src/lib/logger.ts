import type { Log, LogLevel } from './log.ts';
import { messageOf } from './log-message.ts';

/** A function for each level, as a logger of pino has them. Each is given the values of a log event, and what it says in words. */
export type Logger = { readonly [level in LogLevel]: (values: object, message: string) => unknown };

/** Writes log events to a logger: an error as `err`, as pino does. */
export function logTo(logger: Logger): Log {
  return (event) => {
    const { level, error, ...rest } = event;
    logger[level](error === undefined ? rest : { ...rest, err: error }, messageOf(event));
  };
}
