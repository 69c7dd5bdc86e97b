import type { LogEvent, LogLevel } from '../lib/log.ts';
import { messageOf } from '../lib/log-message.ts';
import { printable } from '../lib/printable.ts';
import type { ProgramOptions } from './options.ts';

export interface LineStyle {
  readonly at: Date;
  readonly colour: boolean;
}

const inMessage = ['level', 'event', 'why', 'reason', 'option', 'error'];

const colours: Record<LogLevel, number> = { trace: 90, debug: 36, info: 32, warn: 33, error: 31 };

/**
 * Formats a log event for people: time, level, message, other values by name, and below them the stack of an
 * error. Does not use pino-pretty: its thirteen packages would also be installed by everybody who embeds the
 * server.
 */
export function prettyLine(event: LogEvent, { at, colour }: LineStyle): string {
  const paint = (text: string, code: number) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const level = paint(event.level.toUpperCase().padEnd(5), colours[event.level]);
  const others = Object.entries(event).filter(
    ([name, value]) => !inMessage.includes(name) && value !== undefined,
  );
  const values = others.map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
  const message = printable(messageOf(event));
  const line = `${paint(timeOf(at), 2)} ${level} ${message}${values === '' ? '' : `  ${printable(values)}`}`;
  return [line, ...stackOf(event.error)].join('\n');
}

/** Whether log lines are for people: as `logFormat` says, or else if the output is a terminal. */
export function isPretty(format: ProgramOptions['logFormat'], isTerminal: boolean): boolean {
  return format === undefined ? isTerminal : format === 'pretty';
}

function timeOf(at: Date): string {
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function valueText(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value);
  return isPlain ? value : (JSON.stringify(value) ?? String(value));
}

function stackOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  const [, ...frames] = error.stack.split(/\n(?= +at )/);
  return frames.map(printable);
}
