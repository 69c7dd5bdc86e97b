import type { Check, Transport } from './check.ts';
import { handshakeOf } from './client.ts';
import { readBatch } from './message.ts';
import { type Place, Target } from './target.ts';

/** Checks that belong together, by the name of what they are about. */
export type Sections = Readonly<Record<string, readonly Check[]>>;

/** One check over one transport. */
export interface Case {
  readonly section: string;
  readonly check: Check;
  readonly transport: Transport;
}

export interface Result extends Case {
  /** Why it failed; absent when it passed. */
  readonly failure?: string;
}

/** Milliseconds one check may take, even on a machine with much else to do; past that no answer comes any more. */
export const limit = 20_000;

export function casesOf(sections: Sections): Case[] {
  return Object.entries(sections).flatMap(([section, checks]) =>
    checks.flatMap((check) => check.transports.map((transport) => ({ section, check, transport }))),
  );
}

/** Runs one check, and ends whatever it left open. Throws as the check does, or when it takes too long. */
export async function runCase(server: Place, { check, transport }: Case, ms = limit): Promise<void> {
  const target = new Target(server, transport);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${ms} ms; last sent: ${target.last}`)), ms);
  });
  try {
    await Promise.race([check.run(target), late]);
  } finally {
    clearTimeout(timer);
    target.close();
  }
}

/** Runs every case, some at a time, and never throws. What a server does not offer is not asked of it. */
export async function runAll(
  server: Place,
  cases: readonly Case[],
  { atOnce = 12, ms = limit } = {},
): Promise<Result[]> {
  const offered = await offeredBy(server);
  const results: Result[] = [];
  const waiting = cases.entries();
  const work = async () => {
    for (const [at, one] of waiting) results[at] = await resultOf(server, one, offered, ms);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

/** Why a case was not run. */
export const notOffered = 'the server does not offer this transport';

async function offeredBy(server: Place): Promise<unknown> {
  const target = new Target(server, 'long-polling');
  const [reply] = readBatch((await target.post([handshakeOf(target)]).response).text);
  return reply?.supportedConnectionTypes;
}

async function resultOf(server: Place, one: Case, offered: unknown, ms: number): Promise<Result> {
  if (Array.isArray(offered) && !offered.includes(one.transport)) return { ...one, failure: notOffered };
  try {
    await runCase(server, one, ms);
    return one;
  } catch (error) {
    return { ...one, failure: error instanceof Error ? error.message : String(error) };
  }
}
