import type { TransportName } from '../ports/conduit.ts';
import type { Session } from './session.ts';

/** What a bound of memory allows, and how much of it is in use. Bytes. */
export interface BoundUse {
  readonly used: number;
  readonly limit: number;
}

/** How much a server has at this moment. */
export interface Load {
  /** Sessions by transport. */
  readonly sessions: Readonly<Record<TransportName, number>>;
  /** Events that wait, summed over the sessions. */
  readonly queuedEvents: number;
  /** Their size, summed over the sessions: an event that waits for two counts twice. Bytes. */
  readonly queuedBytes: number;
  /** Memory in use, by the option that bounds it. */
  readonly memory: Readonly<Record<string, BoundUse>>;
  /** The numbers of each feature that has some, by its name. */
  readonly features: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Adds up what sessions have. */
export function loadOf(sessions: Iterable<Session>): Pick<Load, 'sessions' | 'queuedEvents' | 'queuedBytes'> {
  const byTransport: Record<TransportName, number> = {};
  let [queuedEvents, queuedBytes] = [0, 0];
  for (const { transport, outbox } of sessions) {
    byTransport[transport] = (byTransport[transport] ?? 0) + 1;
    const { size } = outbox;
    if (size === 0) continue;
    queuedEvents += size;
    queuedBytes += outbox.bytes;
  }
  return { sessions: byTransport, queuedEvents, queuedBytes };
}
