import { printable } from '../lib/printable.ts';
import { isObject, type JsonObject } from '../protocol/message.ts';
import { apiAccess, type ApiFlags } from './api-access.ts';
import { ApiClient, type Query } from './api-client.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { wrap } from './columns.ts';
import { jsonLine } from './json-line.ts';
import type { Env } from './config.ts';

/** The flags as they were written. */
export interface ExplainFlags extends ApiFlags {
  readonly channel?: string;
  readonly session?: string;
  readonly user?: string;
  readonly json?: boolean;
}

export interface ExplainSurroundings {
  readonly env: Env;
  /** Columns. */
  readonly width: number;
  print(line: string): void;
  say(line: string): void;
}

/** `bayeuxd explain`: prints what became of a publish, or why a session does not get the events of a channel. */
export async function explain(
  id: string | undefined,
  flags: ExplainFlags,
  { env, width, print, say }: ExplainSurroundings,
): Promise<void> {
  const { path, query } = questionOf(id, flags);
  const answer = await new ApiClient(apiAccess(flags, env), say).get(path, query);
  if (flags.json === true) print(jsonLine(answer));
  else for (const line of linesOf(answer, width)) print(line);
}

function questionOf(
  id: string | undefined,
  { channel, session, user }: ExplainFlags,
): { readonly path: string; readonly query: Query } {
  if (id !== undefined) {
    if (channel !== undefined || session !== undefined || user !== undefined)
      throw new ArgumentError('give the id of a publish, or --channel with --session or --user, not both');
    if (!/^\d{1,15}$/.test(id))
      throw new ArgumentError(`"${id}" is no id of a publish: the answer to the publish has it as publishId`);
    return { path: `/explain/${id}`, query: {} };
  }
  if (channel === undefined || (session === undefined) === (user === undefined))
    throw new ArgumentError('give the id of a publish, or --channel with either --session or --user');
  return { path: '/explain', query: { channel, session, user } };
}

/** Each finding as `!` for a cause or `-`, with its fix below. */
function linesOf(answer: JsonObject, width: number): string[] {
  if (typeof answer.about !== 'string' || !Array.isArray(answer.findings))
    throw new ClientError('the answer is not one of bayeuxd explain: is the server of another version?');
  const findings: readonly unknown[] = answer.findings;
  return [
    ...wrap(printable(answer.about), width),
    ...findings.flatMap((finding) => linesOfOne(finding, width)),
  ];
}

function linesOfOne(finding: unknown, width: number): string[] {
  if (!isObject(finding)) return [];
  const { isCause, what, fix } = finding;
  const indented = (text: unknown, first: string) =>
    wrap(printable(String(text)), width - 4).map((line, at) => (at === 0 ? first : '    ') + line);
  return [
    '',
    ...indented(what, isCause === true ? '  ! ' : '  - '),
    ...(fix === undefined ? [] : indented(fix, '    ')),
  ];
}
