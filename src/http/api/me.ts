import { apiRights } from './caller.ts';
import { noQuery } from './checker.ts';
import { get, type Route } from './route.ts';

/** `GET /me`: who the caller is, and what it may do. */
export function meRoute(): Route {
  const properties = {
    kind: { type: 'string', enum: ['key', 'token'] },
    name: { type: 'string', description: 'The name of the key, or the user of the token.' },
    rights: {
      type: 'array',
      items: { type: 'string', enum: apiRights },
      description: '`admin` includes the others.',
    },
    channels: { type: 'array', items: { type: 'string' }, description: 'Patterns of its channels.' },
  } as const;
  return get({
    path: '/me',
    name: 'getMe',
    tag: 'Server',
    summary: 'Shows the rights and channels of the key or token',
    query: noQuery(),
    answer: { type: 'object', properties, required: Object.keys(properties), additionalProperties: false },
    run: ({ caller: { kind, name, rights, channels } }) => ({ kind, name, rights, channels }),
  });
}
