/** A connection of HTTP/2, as far as a PING needs it. */
export interface Pinged {
  readonly destroyed: boolean;
  ping(answered: (error: Error | null) => void): boolean;
}

/** Called with whether the peer answered. */
type OnAnswer = (answered: boolean) => void;

// Callers that ask while a PING is under way wait for the next one, since they may have written something after this one.
const waiting = new WeakMap<Pinged, OnAnswer[]>();

/**
 * Calls back when the peer has received everything written on this connection, or can no longer receive it.
 * The peer answers a PING in order. No callback comes from a connection that is silently dead. Only one PING
 * at a time is under way.
 */
export function afterRoundTrip(connection: Pinged, onAnswer: OnAnswer): void {
  const next = waiting.get(connection);
  if (next === undefined) ping(connection, [onAnswer]);
  else next.push(onAnswer);
}

function ping(connection: Pinged, callbacks: readonly OnAnswer[]): void {
  const next: OnAnswer[] = [];
  waiting.set(connection, next);
  const answered = (error: Error | null): void => {
    waiting.delete(connection);
    if (next.length > 0) ping(connection, next);
    for (const onAnswer of callbacks) onAnswer(error === null);
  };
  // Node throws on a PING to a destroyed connection.
  if (connection.destroyed) answered(new Error('the connection is over'));
  else connection.ping(answered);
}
