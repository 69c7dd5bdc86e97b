import type { ApiServer } from './api-server.ts';
import type { ChannelSchemas } from './channel-schemas.ts';
import { checker } from './checker.ts';
import { Problem } from './problem.ts';
import { get, type Route } from './route.ts';

type Query = { readonly channel: string } & ({ readonly session: string } | { readonly user: string });

const text = { type: 'string', minLength: 1 } as const;

/** `GET /explain/{id}` and `GET /explain`: what the journal knows of a publish, or of a channel and a session. */
export function explainRoutes(server: ApiServer, schemas: ChannelSchemas): readonly Route[] {
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
    description: 'Give `session` or `user`.',
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
    answer: explanationWith({}, []),
    problems: ['channel_invalid', 'journal_off'],
    run: ({ query }) => {
      needJournal(server);
      return server.explain(query);
    },
  });
  return [publish, question];
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
