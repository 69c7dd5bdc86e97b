import { printable } from '../lib/printable.ts';
import { isObject } from '../protocol/message.ts';
import { readApi } from './api-reader.ts';
import { ArgumentError, ClientError } from './client-error.ts';
import { type ClientFlags, clientSettings } from './client-options.ts';
import { wrap } from './columns.ts';

/** The flags as they were written. */
export interface ExplainFlags extends Pick<ClientFlags, 'header' | 'ca' | 'insecure'> {
  readonly url?: string;
  readonly key?: string;
  readonly channel?: string;
  readonly session?: string;
  readonly user?: string;
  readonly json?: boolean;
}

export interface ExplainSurroundings {
  /** The key if no flag has one. */
  readonly key: string | undefined;
  /** Columns. */
  readonly width: number;
  print(line: string): void;
}

/** The address of a server on this machine. */
const HERE = 'http://127.0.0.1:8000/api';

/** `bayeuxd explain`: prints what became of a publish, or why a session does not get the events of a channel. */
export async function explain(
  id: string | undefined,
  flags: ExplainFlags,
  { key: usual, width, print }: ExplainSurroundings,
): Promise<void> {
  const path = pathOf(id, flags);
  const key = flags.key ?? usual;
  if (key === undefined || key === '')
    throw new ArgumentError('a key of the HTTP API is needed: give --key, or set BAYEUXD_API_KEY');
  const answer = await readApi(flags.url ?? HERE, path, key, clientSettings(flags));
  if (flags.json === true) print(JSON.stringify(answer));
  else for (const line of linesOf(answer, width)) print(line);
}

function pathOf(id: string | undefined, { channel, session, user }: ExplainFlags): string {
  if (id !== undefined) {
    if (channel !== undefined || session !== undefined || user !== undefined)
      throw new ArgumentError('give the id of a publish, or --channel with --session or --user, not both');
    if (!/^\d{1,15}$/.test(id))
      throw new ArgumentError(`"${id}" is no id of a publish: the answer to the publish has it as publishId`);
    return `/explain/${id}`;
  }
  if (channel === undefined || (session === undefined) === (user === undefined))
    throw new ArgumentError('give the id of a publish, or --channel with either --session or --user');
  const who = session !== undefined ? { session } : { user: user ?? '' };
  return `/explain?${new URLSearchParams({ channel, ...who })}`;
}

/** Each finding as `!` for a cause or `-`, with its fix below. */
function linesOf(answer: unknown, width: number): string[] {
  if (!isObject(answer) || typeof answer.about !== 'string' || !Array.isArray(answer.findings))
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
