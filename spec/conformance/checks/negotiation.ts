import assert from 'node:assert/strict';
import { type Check, check, requests } from '../check.ts';
import { answerTo, handshakeOf } from '../client.ts';
import { type Message, refused, succeeded } from '../message.ts';

const offered = ['websocket', 'eventsource', 'long-polling', 'cross-origin-long-polling', 'callback-polling'];
const none = { reconnect: 'none', interval: 0 };

/** What every refusal tells besides its error. */
const refusal = { version: '1.0', minimumVersion: '1.0', supportedConnectionTypes: offered, advice: none };

const without = (field: string, message: Message): Message =>
  Object.fromEntries(Object.entries(message).filter(([name]) => name !== field));

export const negotiation: readonly Check[] = [
  check('HS-4', 'a handshake without version is refused', requests, async (target) => {
    const request = without('version', handshakeOf(target));
    refused(await answerTo(target, request), request, '400:version:parameter_missing', refusal);
  }),

  check('HS-4', 'a version from the future is refused', requests, async (target) => {
    const request = handshakeOf(target, { version: '2.0', minimumVersion: '2.0' });
    refused(await answerTo(target, request), request, '300:2.0:version_mismatch', refusal);
  }),

  check('HS-4', 'only the first element of the version counts', 'long-polling', async (target) => {
    for (const version of ['1.0', '1', '1.0beta', '1.7.3', '10.2', 1, 1.5]) {
      succeeded(await answerTo(target, handshakeOf(target, { version })));
    }
    for (const version of ['abc', '0.9', '1beta', '', '-1']) {
      const { error } = await answerTo(target, handshakeOf(target, { version }));
      assert.match(error ?? '', /^(300:.*:version_mismatch|400:version:parameter_missing)$/);
    }
  }),

  check('HS-4', 'a minimumVersion above 1 is refused', 'long-polling', async (target) => {
    const { error } = await answerTo(target, handshakeOf(target, { minimumVersion: '2.0' }));
    assert.match(error ?? '', /^300:.*:version_mismatch$/);
  }),

  check('HS-5', 'a minimumVersion of 1.0beta is welcome', requests, async (target) => {
    succeeded(await answerTo(target, handshakeOf(target, { minimumVersion: '1.0beta' })));
  }),

  check('HS-6', 'a handshake without connection types is refused', requests, async (target) => {
    const request = without('supportedConnectionTypes', handshakeOf(target));
    refused(
      await answerTo(target, request),
      request,
      '400:supportedConnectionTypes:parameter_missing',
      refusal,
    );
  }),

  check('HS-6', 'a handshake without a common connection type is refused', requests, async (target) => {
    const request = handshakeOf(target, { supportedConnectionTypes: ['flash', 'iframe'] });
    refused(
      await answerTo(target, request),
      request,
      '301:flash,iframe:connection_types_unsupported',
      refusal,
    );
  }),

  check('HS-6', 'connection types of the wrong type are refused', 'long-polling', async (target) => {
    for (const supportedConnectionTypes of ['long-polling', {}, 5, [], [5]]) {
      const reply = await answerTo(target, handshakeOf(target, { supportedConnectionTypes }));
      assert.equal(reply.successful, false);
      assert.match(reply.error ?? '', /^(400|301):/);
    }
  }),

  check('HS-6', 'unknown connection types are skipped', requests, async (target) => {
    const supportedConnectionTypes = ['flash', target.transport, 'pigeon'];
    succeeded(await answerTo(target, handshakeOf(target, { supportedConnectionTypes })));
  }),

  check(
    'HS-7',
    'all transports are listed, the preferred first, on success and on failure',
    requests,
    async (target) => {
      const good = await answerTo(target, handshakeOf(target));
      const bad = await answerTo(target, without('version', handshakeOf(target)));
      assert.deepEqual([good.supportedConnectionTypes, bad.supportedConnectionTypes], [offered, offered]);
    },
  ),

  check('HS-7', 'in-process is neither listed nor enough', 'long-polling', async (target) => {
    const { error } = await answerTo(
      target,
      handshakeOf(target, { supportedConnectionTypes: ['in-process'] }),
    );
    assert.equal(error, '301:in-process:connection_types_unsupported');
  }),

  check('FF-1', 'iframe alone is no common connection type', 'long-polling', async (target) => {
    const { error } = await answerTo(target, handshakeOf(target, { supportedConnectionTypes: ['iframe'] }));
    assert.equal(error, '301:iframe:connection_types_unsupported');
  }),
];
