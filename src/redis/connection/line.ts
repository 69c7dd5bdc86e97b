import type { Address } from './address.ts';

/** One connection that a client library made. The library must not reconnect: a line that is lost is never used again. */
export interface RedisLine {
  /** Rejects with what the library says. An error of Redis has its text as message. */
  send(args: readonly string[]): Promise<unknown>;
  /** Closes it at once. Commands that wait may stay unanswered. */
  destroy(): void;
}

/** What a line tells while it is opened, and later. */
export interface LineHooks {
  /** Called when the connection broke. */
  readonly lost: (error: Error) => void;
  /** Aborts when nobody waits for the line any more: it has to be destroyed. */
  readonly signal: AbortSignal;
}

/** Opens a line, to another address than its own if one is given. Rejects when that fails. */
export type Dial = (hooks: LineHooks, address?: Address) => Promise<RedisLine>;
