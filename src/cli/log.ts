import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../lib/log.ts';
import { printable } from '../lib/printable.ts';
import type { ProgramOptions } from './options.ts';

/** Writes log events as JSON lines to the standard error stream, so that the output of commands stays clean. */
export function pinoLog(level: ProgramOptions['logLevel']): Log {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: named },
    },
    withoutControls(destination({ dest: 2, sync: true })),
  );
  return ({ level, event, error, ...rest }) =>
    logger[level](error === undefined ? rest : { ...rest, err: error }, event);
}

// What clients sent may stand in a line: JSON escapes only some of what a terminal obeys.
function withoutControls(to: { write(line: string): unknown }): { write(line: string): void } {
  return { write: (line) => void to.write(`${printable(line.trimEnd())}\n`) };
}

const named = (level: string) => ({ level });
