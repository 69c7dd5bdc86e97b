import type { Usage } from '../../core/server.ts';
import type { PresentUser } from '../../ports/directory.ts';
import type { HistoryPage, HistoryQuery } from '../../ports/history-page.ts';
import type { Server } from '../options.ts';

/** A server as the HTTP API knows it: with what its features add. */
export interface ApiServer extends Server {
  readonly usage: Usage & { readonly browsers: number };
  readonly waitingHandshakes: number;
  /** Whether there is a key that verifies tokens. */
  readonly verifiesTokens: boolean;
  /** Verifies a token that came from this address. Throws `BayeuxError` for a refused one. Undefined without authentication. */
  apiClaim(
    token: string,
    address: string,
  ): Promise<{ readonly user: string; readonly api: unknown } | undefined>;
  /** The users who are present in a channel. Throws `UsageError` where presence is not kept. */
  presence(channel: string): { users(): Promise<readonly PresentUser[]> };
  /** Whether the option `journal` is on. */
  readonly hasJournal: boolean;
  /** Tells what became of a publish; undefined if the journal does not know it. */
  explainPublish(id: number): { readonly channel: string } | undefined;
  /** Tells why a session or user gets the events of a channel, or does not. */
  explain(question: { readonly channel: string; readonly session?: string; readonly user?: string }): {
    readonly about: string;
    readonly findings: readonly { readonly isCause: boolean }[];
  };
  /** A page of the history of a channel or pattern; undefined if no such channel is durable. */
  history(channel: string, query?: HistoryQuery): Promise<HistoryPage | undefined>;
}
