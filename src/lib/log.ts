import { callOut } from './callback.ts';

/** How much a log event matters. `trace` is each message, where the setting `trace` asks for that. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** One log entry of the server. `event` is a dotted name; values never hold a clientId (SEC-2). */
export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly error?: unknown;
  readonly [key: string]: unknown;
}

/** Receives log events. The program uses pino; an application passes any function. */
export type Log = (event: LogEvent) => void;

/** Logs nothing. */
export const silent: Log = () => {};

/** Wraps a log so that it never throws or rejects. The first failure becomes a warning of the process. */
export function unfailing(log: Log): Log {
  let hasWarned = false;
  const failed = (error: unknown): void => {
    if (hasWarned) return;
    hasWarned = true;
    process.emitWarning(`bayeuxd: the log function failed, and its log event is lost: ${error}`);
  };
  return (event) => callOut(() => log(event), failed);
}
