import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../core/log.ts';
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
    destination({ dest: 2, sync: true }),
  );
  return ({ level, event, error, ...rest }) =>
    logger[level](error === undefined ? rest : { ...rest, err: error }, event);
}

const named = (level: string) => ({ level });
