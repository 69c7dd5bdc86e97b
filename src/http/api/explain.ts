import { type AllNodes, complete, incomplete } from './all-nodes.ts';
import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { checker } from './checker.ts';
import { Problem } from './problem.ts';
import { get, type Route } from './route.ts';

type Query = { readonly channel: string } & ({ readonly session: string } | { readonly user: string });

interface Explanation {
  readonly about: string;
  readonly findings: readonly { readonly isCause: boolean }[];
}

const text = { type: 'string', minLength: 1 } as const;

/** `GET /explain/{id}` and `GET /explain`: what the journal knows of a publish, or of a channel and a session. */
export function explainRoutes(server: ApiServer, schemas: ChannelSchemas, nodes: AllNodes): readonly Route[] {
  const part = nodes.part({
    name: 'explain',
    here: (query: Query): Explanation => {
      needJournal(server);
      return server.explain(query);
    },
    read: ({ about, findings }) =>
      typeof about === 'string' && Array.isArray(findings) ? { about, findings } : undefined,
  });
  const ofSession = (session: string, query: Query) =>
    part.ofOwner(session, query).catch((error: unknown) => {
      // The node is gone. This one may know what became of clients that came here.
      if (error instanceof Problem && error.code === 'session_unknown') return part.here(query);
      throw error;
    });
  const ofUser = async (user: string, query: Query) => {
    const owners = new Set((await server.directory.sessionsOf(user)).map((id) => server.nodes.ownerOf(id)));
    const { answers, isComplete } = await part.ofAll(query, owners.size === 0 ? undefined : owners);
    return { ...joined(answers), ...incomplete(isComplete) };
  };
  const publish = get({
    path: '/explain/{id}',
    name: 'explainPublish',
    tag: 'Events',
    summary: 'Tells what became of a publish',
    description:
      'By the `publishId` in the answer to the publish, or in `ext` of the reply to a client that sent `ext: {"publishId": true}`.',
    right: 'read',
    query: checker<object>('query', { type: 'object', properties: {}, additionalProperties: false }),
    answer: explanationWith({ channel: text }, ['channel']),
    problems: ['journal_off', 'publish_unknown'],
    run: ({ caller, id }) => {
      needJournal(server);
      const told = /^\d{1,15}$/.test(id) ? server.explainPublish(Number(id)) : undefined;
      if (told === undefined)
        throw new Problem(
          'publish_unknown',
          'the journal knows no publish with this id: it is forgotten, or the server was started anew; ask with channel and session',
        );
      caller.check('read', told.channel);
      return told;
    },
  });
  const question = get({
    path: '/explain',
    name: 'explain',
    tag: 'Events',
    summary: 'Tells why a session or user gets the events of a channel, or does not',
    description:
      'Give `session` or `user`. The node of the session answers; for a user, the nodes with sessions of the user.',
    right: 'read',
    everywhere: true,
    query: schemas.query<Query>({
      type: 'object',
      properties: {
        channel: { ...schemas.receivable, description: 'The channel of the events.' },
        session: { ...text, description: 'The public id of the session.' },
        user: { ...text, description: 'The user.' },
      },
      required: ['channel'],
      minProperties: 2,
      maxProperties: 2,
      additionalProperties: false,
    }),
    answer: explanationWith({ complete }, []),
    problems: ['channel_invalid', 'journal_off', 'node_silent'],
    run: ({ query }) => {
      needJournal(server);
      return 'session' in query ? ofSession(query.session, query) : ofUser(query.user, query);
    },
  });
  return [publish, question];
}

/** One explanation of those of several nodes: causes first, and what several nodes found once. */
function joined(answers: readonly Explanation[]): Explanation {
  const all = new Map(answers.flatMap(({ findings }) => findings.map((one) => [JSON.stringify(one), one])));
  const findings = [...all.values()].sort((one, other) => Number(other.isCause) - Number(one.isCause));
  return { about: answers[0]?.about ?? '', findings };
}

function needJournal({ hasJournal }: ApiServer): void {
  if (!hasJournal) throw new Problem('journal_off', 'the server keeps no journal: set "journal"');
}

function explanationWith(properties: object, required: readonly string[]) {
  return {
    type: 'object',
    properties: {
      ...properties,
      about: { type: 'string', description: 'What was asked about, in words.' },
      findings: {
        type: 'array',
        description: 'Causes first.',
        items: {
          type: 'object',
          properties: {
            code: { type: 'string', description: 'Stable.', examples: ['pattern_one_segment'] },
            isCause: { type: 'boolean', description: 'Whether this keeps the session from the event.' },
            what: { type: 'string', description: 'What happened.' },
            fix: { type: 'string', description: 'What to do.' },
          },
          required: ['code', 'isCause', 'what'],
          additionalProperties: false,
        },
      },
    },
    required: [...required, 'about', 'findings'],
    additionalProperties: false,
  };
}
