import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log, LogLevel } from '../lib/log.ts';
import { logTo } from '../lib/logger.ts';
import { printable } from '../lib/printable.ts';
import type { ProgramOptions } from './options.ts';
import { isPretty, prettyLine } from './pretty-log.ts';

interface Sink {
  write(line: string): unknown;
}

/** Writes log events to standard error, apart from the output of commands. */
export function programLog({ logLevel, logFormat }: ProgramOptions): Log {
  const sink = destination({ dest: 2, sync: true });
  const isTerminal = process.stderr.isTTY === true;
  if (!isPretty(logFormat, isTerminal)) return jsonLog(logLevel, sink);
  return prettyLog(logLevel, sink, isTerminal && !process.env.NO_COLOR);
}

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

function prettyLog(least: ProgramOptions['logLevel'], sink: Sink, colour: boolean): Log {
  if (least === 'silent') return () => {};
  const written = levels.slice(levels.indexOf(least));
  return (event) => {
    if (written.includes(event.level)) sink.write(`${prettyLine(event, { at: new Date(), colour })}\n`);
  };
}

function jsonLog(level: ProgramOptions['logLevel'], sink: Sink): Log {
  const logger = pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { level: named } },
    withoutControls(sink),
  );
  return logTo(logger);
}

// A line may contain text of clients, and JSON escapes only some of a terminal's control characters.
function withoutControls(sink: Sink): Sink {
  return { write: (line) => sink.write(`${printable(line.trimEnd())}\n`) };
}

const named = (level: string) => ({ level });
