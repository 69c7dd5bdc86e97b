import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { requestInfo } from '../../src/transports/request-info.ts';
import type { PolicyRequest } from '../../src/ports/policy.ts';
import { start } from '../support/start.ts';
import { client } from './sessions.ts';

const socket = { destroyed: false, remoteAddress: '192.0.2.1' };

it.each([
  ['eventsource', '/bayeux/Kq7secret', '/bayeux/'],
  ['eventsource', '/bayeux/Kq7secret?token=1', '/bayeux/?token=1'],
  [
    'callback-polling',
    '/bayeux?jsonp=cb&message=%5B%22Kq7secret&%6Dessage=Kq7secret&message=Kq7secret&token=1',
    '/bayeux?jsonp=cb&token=1',
  ],
  ['callback-polling', '/bayeux?message=Kq7secret', '/bayeux'],
  ['websocket', '/bayeux?token=1', '/bayeux?token=1'],
  ['long-polling', '/bayeux/connect', '/bayeux/connect'],
] as const)('a policy sees the URL of %s %s as %s (HS-16)', (transport, url, seen) => {
  const headers = { ':path': url };
  const info = requestInfo({ url, headers, socket }, transport, false);
  expect([info.url, info.headers[':path']]).toEqual([seen, seen]);
});

it.each(['long-polling', 'websocket', 'callback-polling', 'eventsource'] as const)(
  'a client over %s has its clientId shown to no policy (HS-16)',
  async (transport) => {
    const given: unknown[] = [];
    const policy = {
      canSubscribe(question: PolicyRequest) {
        given.push(
          question,
          question.message,
          question.request,
          question.session && server.session(question.session.id)?.push,
        );
        return true;
      },
    };
    const { url, server } = await start({ policy });
    const alice = await client(url, { transport });
    await alice.call('/meta/subscribe', { subscription: '/a' });
    expect(given).toHaveLength(4);
    expect(inspect(given, { depth: null, showHidden: true })).not.toContain(alice.clientId);
  },
);
