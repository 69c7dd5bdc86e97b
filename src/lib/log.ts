import { callOut } from './callback.ts';

/** How much a log event matters. `trace` is each message, where the setting `trace` asks for that. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What the server has to say for itself. `event` is a dotted name; values never hold a clientId (SEC-2). */
export interface LogEvent {
  readonly level: LogLevel;
  readonly event: string;
  readonly error?: unknown;
  readonly [key: string]: unknown;
}

/** Takes log events; the program gives it pino, an embedder what it likes. */
export type Log = (event: LogEvent) => void;

/** Says nothing. */
export const silent: Log = () => {};

/** The same log, except that it never throws or rejects. The first failure is told by a warning of the process. */
export function unfailing(log: Log): Log {
  let isTold = false;
  const failed = (error: unknown): void => {
    if (isTold) return;
    isTold = true;
    process.emitWarning(`bayeuxd: the log function failed, and what it was given is lost: ${error}`);
  };
  return (event) => callOut(() => log(event), failed);
}
