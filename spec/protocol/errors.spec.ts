import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BayeuxError, errors } from '../../src/protocol/errors.ts';

// What Faye 1.4 reads an error by (src/protocol/grammar.js).
const arg = '[a-zA-Z0-9\\-_!~()$@ /*.]*';
const fayeError = new RegExp(`^([0-9]{3}:${arg}(,${arg})*:${arg}|[0-9]{3}::${arg})$`);

const all: Record<keyof typeof errors, BayeuxError> = {
  versionMismatch: errors.versionMismatch('2.0'),
  connectionTypesUnsupported: errors.connectionTypesUnsupported(['flash', 'iframe']),
  connectionTypeUnsupported: errors.connectionTypeUnsupported('flash'),
  parameterMissing: errors.parameterMissing('version'),
  handshakeNotAlone: errors.handshakeNotAlone(),
  channelMissing: errors.channelMissing(),
  binaryInvalid: errors.binaryInvalid(),
  dataInvalid: errors.dataInvalid('/a', { path: '/b', message: 'must be number' }, 'channels["/a"].schema'),
  dataMissing: errors.dataMissing(),
  replayIdInvalid: errors.replayIdInvalid([['/orders', '41']]),
  subscriptionMissing: errors.subscriptionMissing(),
  tokenMissing: errors.tokenMissing(),
  tokenInvalid: errors.tokenInvalid(),
  tokenExpired: errors.tokenExpired(),
  tokenRevoked: errors.tokenRevoked(),
  sessionUnknown: errors.sessionUnknown(),
  handshakeDenied: errors.handshakeDenied(),
  subscribeDenied: errors.subscribeDenied(['/vip', '/b/**']),
  publishDenied: errors.publishDenied('/vip'),
  historyDenied: errors.historyDenied(['/orders']),
  userMismatch: errors.userMismatch(),
  messageDeleted: errors.messageDeleted(),
  channelInvalid: errors.channelInvalid(['/a b']),
  messageIdInvalid: errors.messageIdInvalid(),
  connectReplaced: errors.connectReplaced(),
  sessionDisconnected: errors.sessionDisconnected(),
  tooManySubscriptions: errors.tooManySubscriptions(1000),
  tooManyPatterns: errors.tooManyPatterns(100),
  tooManyReplays: errors.tooManyReplays(200),
  noRoomToSubscribe: errors.noRoomToSubscribe(),
  rateLimited: errors.rateLimited(),
  tooManyTabs: errors.tooManyTabs(),
  serverError: errors.serverError(),
  engineUnavailable: errors.engineUnavailable('no connection to the bus'),
};

describe('errors', () => {
  it('read as the digest writes them', () => {
    expect(
      Object.fromEntries(Object.entries(all).map(([name, { text }]) => [name, text])),
    ).toMatchInlineSnapshot(`
      {
        "binaryInvalid": "400::binary_invalid",
        "channelInvalid": "405:/a b:channel_invalid",
        "channelMissing": "400::channel_missing",
        "connectReplaced": "409::connect_replaced",
        "connectionTypeUnsupported": "301:flash:connection_type_unsupported",
        "connectionTypesUnsupported": "301:flash,iframe:connection_types_unsupported",
        "dataInvalid": "400:/a:data_invalid",
        "dataMissing": "400::data_missing",
        "engineUnavailable": "503::engine_unavailable",
        "handshakeDenied": "403::handshake_denied",
        "handshakeNotAlone": "400::handshake_not_alone",
        "historyDenied": "403:/orders:history_denied",
        "messageDeleted": "404::message_deleted",
        "messageIdInvalid": "405::message_id_invalid",
        "noRoomToSubscribe": "413:server:too_many_subscriptions",
        "parameterMissing": "400:version:parameter_missing",
        "publishDenied": "403:/vip:publish_denied",
        "rateLimited": "429::rate_limited",
        "replayIdInvalid": "400:/orders,41:replay_id_invalid",
        "serverError": "500::server_error",
        "sessionDisconnected": "410::session_disconnected",
        "sessionUnknown": "402::session_unknown",
        "subscribeDenied": "403:/vip,/b/**:subscribe_denied",
        "subscriptionMissing": "400::subscription_missing",
        "tokenExpired": "401::token_expired",
        "tokenInvalid": "401::token_invalid",
        "tokenMissing": "401::token_missing",
        "tokenRevoked": "401::token_revoked",
        "tooManyPatterns": "413:100:too_many_patterns",
        "tooManyReplays": "413:200:too_many_replays",
        "tooManySubscriptions": "413:1000:too_many_subscriptions",
        "tooManyTabs": "429::too_many_tabs",
        "userMismatch": "403::user_mismatch",
        "versionMismatch": "300:2.0:version_mismatch",
      }
    `);
  });

  it('are all here', () => {
    expect(Object.keys(all).sort()).toEqual(Object.keys(errors).sort());
  });

  it.each(Object.entries(all))('%s can be read by Faye (ERR-2)', (_name, { text, code: word }) => {
    expect(text).toMatch(fayeError);
    expect(word).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });

  it('use 401 for tokens, and 403 for permission only (ERR-4)', () => {
    const denied = Object.entries(all).filter(([, { text }]) => /^40[13]/.test(text));
    expect(denied.map(([name]) => name)).toEqual([
      ...[
        'tokenMissing',
        'tokenInvalid',
        'tokenExpired',
        'tokenRevoked',
        'handshakeDenied',
        'subscribeDenied',
        'publishDenied',
      ],
      ...['historyDenied', 'userMismatch'],
    ]);
  });
});

describe('args', () => {
  it.each(['<script>', 'a,b', 'a:b', 'é', 'a\nb', '"', 'x'.repeat(256), '\u2028', '%41', '{a}'])(
    'leave out what a client may not be shown: %j (ERR-3)',
    (hostile) => {
      expect(errors.publishDenied(hostile).text).toBe('403::publish_denied');
      expect(errors.channelInvalid(['/a b', hostile, '/c']).text).toBe('405:/a b,,/c:channel_invalid');
    },
  );

  it('keep 255 characters', () => {
    const long = `/${'x'.repeat(254)}`;
    expect(errors.publishDenied(long).text).toBe(`403:${long}:publish_denied`);
  });

  it('never make a text that Faye cannot read', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 4 }), (args) => {
        expect(fayeError.test(errors.channelInvalid(args).text)).toBe(true);
      }),
    );
  });
});

describe('BayeuxError.from', () => {
  it('reads every error back', () => {
    for (const error of Object.values(all)) {
      const read = BayeuxError.from(error.text);
      expect([read.text, read.code]).toEqual([error.text, error.code]);
    }
  });
});

describe('an error for a client', () => {
  it('has no stack, which would take longer than all else about it', () => {
    expect(errors.channelMissing().stack).toBe('BayeuxError: 400::channel_missing');
    expect(new Error('another').stack).toContain('errors.spec');
  });
});
