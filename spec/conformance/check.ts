import type { Target, Transport } from './target.ts';

export type { Transport };

export const polling: readonly Transport[] = ['long-polling', 'callback-polling'];
export const requests: readonly Transport[] = ['long-polling', 'callback-polling', 'websocket'];
export const all: readonly Transport[] = ['long-polling', 'callback-polling', 'eventsource', 'websocket'];

/** One thing a Bayeux server does, seen from outside; run once over each of its transports. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly transports: readonly Transport[];
  /** Throws when the server does something else. */
  run(target: Target): Promise<void>;
}

export function check(
  id: string,
  title: string,
  transports: readonly Transport[] | Transport,
  run: (target: Target) => Promise<void>,
): Check {
  return { id, title, transports: typeof transports === 'string' ? [transports] : transports, run };
}
