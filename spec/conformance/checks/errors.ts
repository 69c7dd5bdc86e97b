import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { handshakeOf, open } from '../client.ts';
import { openLink } from '../link.ts';
import { exactly, type Message, refused } from '../message.ts';

/** What Faye's own client can parse; an arg may be empty. */
const parseable =
  /^[0-9]{3}:[A-Za-z0-9\-_!~()$@ /*.]*(,[A-Za-z0-9\-_!~()$@ /*.]*)*:[A-Za-z0-9\-_!~()$@ /*.]*$/;

export const errors: readonly Check[] = [
  check('ERR-1', 'every error is a string that Faye can parse', requests, async (target) => {
    const client = await open(target);
    const replies = await client.batch(
      client.message('/a/*', { data: 1 }),
      client.message('/meta/x', { data: 1 }),
      client.message('/a'),
      client.message('/a"\n:,', { data: 1 }),
      client.message('/a', { clientId: 'a:b,c"', data: 1 }),
      client.message('/meta/subscribe', { subscription: '/a,b:c' }),
      client.message('/meta/subscribe', { subscription: '/meta/connect' }),
      client.message('/meta/subscribe'),
      client.message('/meta/unsubscribe', { subscription: '/é' }),
      client.message('/meta/connect', { connectionType: '<script>' }),
    );
    for (const { successful, error } of replies) {
      assert.equal(successful, false);
      assert.match(error ?? '', parseable);
    }
  }),

  check('ERR-2', 'a failed handshake has an error that Faye can parse', requests, async (target) => {
    const link = await openLink(target, target.transport);
    for (const fields of [
      { version: '2:0,"' },
      { supportedConnectionTypes: ['a:b', '<i>', 'ü'] },
      { version: {} },
    ]) {
      const [reply = {}] = await link.send([handshakeOf(target, fields)]).messages;
      assert.match(reply.error ?? '', parseable);
    }
  }),

  check('ERR-3', 'a hostile value leaves the args empty', requests, async (target) => {
    const client = await open(target);
    const cases: [Message, string][] = [
      [client.message('/a<b>', { data: 1 }), '405::channel_invalid'],
      [client.message('/a\r\nb', { data: 1 }), '405::channel_invalid'],
      [client.message(`/${'a'.repeat(300)}`, { data: 1 }), '405::channel_invalid'],
      [client.message('/a b', { data: 1 }), '405:/a b:channel_invalid'],
    ];
    for (const [request, error] of cases) refused(await client.ask(request), request, error);
  }),

  check('ERR-3', 'a hostile connection type leaves the args empty', requests, async (target) => {
    const client = await open(target);
    const reply = await client.connect({ connectionType: 'flash:<b>' });
    assert.equal(reply.error, '301::connection_type_unsupported');
  }),

  check('ERR-3', 'a clientId is never told', requests, async (target) => {
    const client = await open(target);
    for (const channel of [
      '/meta/connect',
      '/meta/subscribe',
      '/meta/unsubscribe',
      '/meta/disconnect',
      '/a',
    ]) {
      const reply = await client.call(channel, { clientId: 'deadbeef', data: 1, subscription: '/a' });
      assert(!JSON.stringify(reply).includes('deadbeef'));
    }
  }),

  check('ERR-4', 'an unknown session is not a matter of authentication', requests, async (target) => {
    const client = await open(target);
    const { error } = await client.call('/a', { clientId: 'nobody', data: 1 });
    assert(!error?.startsWith('401') && !error?.startsWith('403'), error);
  }),

  check('ERR-5', 'a message without a channel fails alone, its reply has none', requests, async (target) => {
    const client = await open(target);
    const { clientId } = client;
    for (const odd of [{}, { channel: 5 }, { channel: null }, { channel: ['/a'] }, { channel: {} }]) {
      const id = target.nextId();
      const reply = await client.ask({ ...odd, id, clientId, data: 1 });
      exactly(reply, { id, successful: false, error: '400::channel_missing' });
    }
  }),

  check('ERR-5', 'the id is judged before the channel', requests, async (target) => {
    const client = await open(target);
    const [missing] = await client.batch({ id: {}, clientId: client.clientId });
    exactly(missing, { successful: false, error: '405::message_id_invalid' });
    const [invalid] = await client.batch({ id: {}, channel: '/a/', clientId: client.clientId });
    assert.equal(invalid?.error, '405::message_id_invalid');
  }),

  check('ERR-5', 'the channel is judged before the session', requests, async (target) => {
    const client = await open(target);
    const { error } = await client.call('/a/*', { clientId: 'nobody', data: 1 });
    assert.equal(error, '405:/a/*:channel_invalid');
  }),

  check('ERR-5', 'the session is judged before everything else', requests, async (target) => {
    const client = await open(target);
    const nobody = { clientId: 'nobody' };
    for (const request of [
      client.message('/a', nobody),
      client.message('/meta/subscribe', nobody),
      client.message('/meta/evil', nobody),
    ]) {
      refused(await client.ask(request), request, '402::session_unknown');
    }
    const connect = await client.connect({ ...nobody, connectionType: 'flash' });
    assert.equal(connect.error, '402::session_unknown');
  }),

  check('ERR-5', 'sharing a batch with a handshake is judged first', requests, async (target) => {
    const client = await open(target);
    const [, other] = await client.link.send([handshakeOf(target), { id: target.nextId() }]).messages;
    assert.equal(other?.error, '400::handshake_not_alone');
  }),
];
