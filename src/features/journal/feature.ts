import type { Clock } from '../../lib/clock.ts';
import { shown } from '../../lib/shown.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { FeatureModule } from '../../ports/feature.ts';
import type { ChannelGrammar } from '../../protocol/channel.ts';
import type { Question } from './facts.ts';
import { Journal } from './journal.ts';
import { type JournalOptions, journalOptions } from './options.ts';

/** The parts of the server that the journal needs. */
export interface JournalParts {
  readonly clock: Clock;
  readonly options: { readonly journal: JournalOptions | false };
}

/** The error where there is no journal. */
export const noJournal = (): UsageError =>
  new UsageError('the server keeps no journal: write new Server({ journal: true })');

/** Throws `UsageError` for a question that has no answer. */
export function checkQuestion({ channel, session, user }: Question, grammar: ChannelGrammar): void {
  const usage = "write server.explain({ channel: '/chat/room', session: id }), or { channel, user }";
  if (typeof channel !== 'string' || !grammar.isName(channel))
    throw new UsageError(`${shown(channel)} is not the name of a channel: ${usage}`);
  if ((session === undefined) === (user === undefined))
    throw new UsageError(`a question is about one session or one user: ${usage}`);
}

export const journalModule = {
  ...journalOptions,
  make: ({ options: { journal }, clock }: JournalParts): Journal | undefined =>
    journal === false ? undefined : new Journal(journal, clock),
} as const satisfies FeatureModule;
