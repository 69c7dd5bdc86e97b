/** How much a log event matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

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
