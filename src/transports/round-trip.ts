/** A connection of HTTP/2, as far as a PING needs it. */
export interface Pinged {
  readonly destroyed: boolean;
  ping(answered: (error: Error | null) => void): boolean;
}

/** Hears whether the peer answered. */
type Heard = (answered: boolean) => void;

// Who asked while a PING was under way: the next one is theirs, since they may have written something behind this one.
const waiting = new WeakMap<Pinged, Heard[]>();

/**
 * Calls back when the peer has everything that was written on this connection, or cannot have it any more: it answers a PING in order.
 * A connection that is dark never calls back. One PING at a time is under way, however many ask.
 */
export function afterRoundTrip(connection: Pinged, heard: Heard): void {
  const next = waiting.get(connection);
  if (next === undefined) ping(connection, [heard]);
  else next.push(heard);
}

function ping(connection: Pinged, asked: readonly Heard[]): void {
  const next: Heard[] = [];
  waiting.set(connection, next);
  const answered = (error: Error | null): void => {
    waiting.delete(connection);
    if (next.length > 0) ping(connection, next);
    for (const heard of asked) heard(error === null);
  };
  // Node throws when it is asked to ping what is destroyed.
  if (connection.destroyed) answered(new Error('the connection is over'));
  else connection.ping(answered);
}
