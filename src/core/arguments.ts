import type { Revocation } from '../ports/revocations.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';

// Each error says what to write instead. TypeScript finds most of these mistakes, JavaScript none.

/** Names that other libraries use for these events. */
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

/** Throws `UsageError` unless `name` is one of the `known` events. */
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

/** Throws `UsageError` unless `value` is a function. `usage` shows the correct call. */
export function checkFunction(what: string, value: unknown, usage: string): void {
  if (typeof value === 'function') return;
  throw new UsageError(`${what} must be a function, got ${shown(value)}: ${usage}`);
}

/** The error for a first argument that is not the name of a channel. `usage` shows the correct call. */
export function noChannel(value: unknown, usage: string): UsageError {
  return new UsageError(`the channel comes first, as a text, got ${shown(value)}: ${usage}`);
}

const revocable = ['user', 'tokenId', 'session'];

/** Throws `UsageError` unless `value` names one user, token or session. */
export function checkRevocation(value: unknown, knowsTokens: boolean): asserts value is Revocation {
  const usage = "write server.revoke({ user: 'ann' }), { tokenId: '…' } or { session: session.id }";
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const [[name = '', id] = [], ...more] = entries;
  if (!revocable.includes(name) || more.length > 0)
    throw new UsageError(`one user, token or session is revoked at a time, got ${shown(value)}: ${usage}`);
  if (typeof id !== 'string' || id === '')
    throw new UsageError(`the ${name} to revoke is a text, got ${shown(id)}: ${usage}`);
  if (name === 'tokenId' && !knowsTokens)
    throw new UsageError('this server checks no tokens, so it cannot revoke one: see docs/authentication.md');
}
