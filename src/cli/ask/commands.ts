import type { ApiFlags } from '../api-access.ts';

/** The flags of the commands that ask a server, as they were written. */
export interface AskFlags extends ApiFlags {
  readonly json?: boolean;
  readonly limit?: string;
  readonly user?: string;
  readonly transport?: string;
  readonly address?: string;
  readonly channel?: string;
  readonly last?: string;
  readonly after?: string;
  /** Seconds; true without a number. */
  readonly watch?: string | true;
}

/** A command that asks a server by the HTTP API. */
interface AskCommand<Name = string> {
  readonly name: Name;
  readonly summary: string;
  readonly description: string;
  readonly argument?: readonly [name: string, description: string];
  readonly options: readonly (readonly [flags: string, description: string])[];
}

const limit = ['--limit <number>', 'print at most so many (all)'] as const;

const commands = [
  {
    name: 'stats',
    summary: 'Show counts of a server.',
    description:
      'Show counts of a server, or of all nodes of a cluster. With --watch, print a line every few seconds until interrupted.',
    options: [['--watch [seconds]', 'print a line so often (2)']],
  },
  {
    name: 'nodes',
    summary: 'List the nodes of a cluster.',
    description:
      'List the nodes of a cluster: how each is, how late it reads the events of the others, and its latest trouble.',
    options: [],
  },
  {
    name: 'sessions',
    summary: 'List sessions, or show one.',
    description: 'List the sessions of a server or cluster, or show one with its subscriptions.',
    argument: ['[id]', 'the session to show, by its public id'],
    options: [
      ['--user <name>', 'those of this user'],
      ['--transport <name>', 'those whose last message came so, such as websocket'],
      ['--address <address>', 'those of this address'],
      ['--channel <channel>', 'those that an event on this channel would reach'],
      limit,
    ],
  },
  {
    name: 'users',
    summary: 'List users, or the sessions of one.',
    description: 'List the users that have sessions, or the sessions of one user.',
    argument: ['[name]', 'the user whose sessions are listed'],
    options: [limit],
  },
  {
    name: 'channels',
    summary: 'List channels with subscribers.',
    description: 'List the channels and patterns that sessions subscribe to.',
    argument: ['[pattern]', "only those that this pattern covers, such as '/chat/**'"],
    options: [limit],
  },
  {
    name: 'presence',
    summary: 'List who is present in a channel.',
    description: 'List the users who are present in a channel. Its rule needs "presence".',
    argument: ['<channel>', 'a channel such as /chat/news; /presence/everyone for all sessions'],
    options: [limit],
  },
  {
    name: 'history',
    summary: 'Print past events of a channel.',
    description:
      'Print the last events of a channel, oldest first. Its rule needs "history". The lines of --json are input of bayeuxd publish <url> -.',
    argument: ['<channel>', "a channel such as /chat/news, or a pattern such as '/chat/**'"],
    options: [
      ['--last <events>', 'print so many, up to 1000 (20)'],
      ['--after <id>', 'instead, print all events after this id; 0: from the oldest on'],
      ['--limit <events>', 'with --after, print at most so many (all)'],
    ],
  },
  {
    name: 'disconnect',
    summary: 'End a session, or those of a user.',
    description:
      'End a session, or all sessions of a user, and tell the clients to stop. Exits with code 3 if there is none.',
    argument: ['[session]', 'the session, by its public id; else give --user'],
    options: [['--user <name>', 'end all sessions of this user']],
  },
] as const satisfies readonly AskCommand[];

export type AskName = (typeof commands)[number]['name'];

/** The commands that ask a server. */
export const askCommands: readonly AskCommand<AskName>[] = commands;
