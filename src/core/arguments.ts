import { didYouMean } from '../lib/did-you-mean.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

// Each check says what to write instead. TypeScript refuses most of these mistakes, but JavaScript none.

/** What others call these events. */
const elsewhere: Readonly<Record<string, string>> = {
  connect: 'session.opened',
  connection: 'session.opened',
  handshake: 'session.opened',
  disconnect: 'session.closed',
  close: 'session.closed',
  subscribe: 'channel.subscribed',
  unsubscribe: 'channel.unsubscribed',
  publish: 'published',
  message: 'published',
};

/** Throws `UsageError` unless this is the name of an event that can be heard by this call. */
export function checkEventName(name: unknown, known: readonly string[], on = 'server.on'): void {
  const usage = `write ${on}('${known[0]}', (event) => …)`;
  if (typeof name === 'function') throw new UsageError(`the name of the event comes first: ${usage}`);
  if (typeof name !== 'string') throw new UsageError(`an event has a name, got ${shown(name)}: ${usage}`);
  if (known.includes(name)) return;
  const meant = known.includes(String(elsewhere[name]))
    ? `; did you mean "${elsewhere[name]}"?`
    : didYouMean(name, known);
  throw new UsageError(`there is no event "${name}"${meant || ` (there are ${known.join(', ')})`}`);
}

/** Throws `UsageError` unless this is a function; `usage` says how the call is written. */
export function checkFunction(what: string, given: unknown, usage: string): void {
  if (typeof given === 'function') return;
  throw new UsageError(`${what} must be a function, got ${shown(given)}: ${usage}`);
}

/** Says that this stands where the name of a channel, a text, is expected; `usage` says how the call is written. */
export function noChannel(given: unknown, usage: string): UsageError {
  return new UsageError(`the channel comes first, as a text, got ${shown(given)}: ${usage}`);
}
