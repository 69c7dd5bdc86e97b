import { readdirSync, readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type CloseReason, errors } from '../../src/index.ts';
import { readPage, rowsOf } from './markdown.ts';

const page = readPage('docs/errors.md');

/** Each error once, with the arguments its section shows. */
const examples = {
  versionMismatch: errors.versionMismatch('2.0'),
  connectionTypesUnsupported: errors.connectionTypesUnsupported(['flash', 'iframe']),
  connectionTypeUnsupported: errors.connectionTypeUnsupported('flash'),
  parameterMissing: errors.parameterMissing('version'),
  handshakeNotAlone: errors.handshakeNotAlone(),
  channelMissing: errors.channelMissing(),
  binaryInvalid: errors.binaryInvalid(),
  dataInvalid: errors.dataInvalid('/prices/acme', { path: '/price', message: 'must be number' }, 'a rule'),
  dataMissing: errors.dataMissing(),
  replayIdInvalid: errors.replayIdInvalid([['/orders', '41']]),
  subscriptionMissing: errors.subscriptionMissing(),
  tokenMissing: errors.tokenMissing(),
  tokenInvalid: errors.tokenInvalid(),
  tokenExpired: errors.tokenExpired(),
  tokenRevoked: errors.tokenRevoked(),
  sessionUnknown: errors.sessionUnknown(),
  handshakeDenied: errors.handshakeDenied(),
  subscribeDenied: errors.subscribeDenied(['/vip']),
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
} satisfies Record<keyof typeof errors, Error>;

const reasons = {
  disconnect: true,
  disconnected: true,
  timeout: true,
  left: true,
  overflow: true,
  revoked: true,
  unverified: true,
  expired: true,
  inactive: true,
  history: true,
  replaced: true,
  shutdown: true,
} satisfies Record<CloseReason, true>;

/** The text of one section, up to the next heading. */
function section(heading: string): string {
  const [, rest = ''] = page.prose.split(new RegExp(`^#+ ${heading}$`, 'm'));
  return rest.split(/^#+ /m, 1)[0] ?? '';
}

describe('docs/errors.md', () => {
  it.each(Object.entries(examples))('explains %s', (name, { text }) => {
    const words = section(name);
    expect(words).toContain(`\`${text}\``);
    for (const item of ['When', 'Clients', 'You']) expect(words).toContain(`\n- ${item}: `);
  });

  it('explains no error that is none', () => {
    const explained = page.headings.filter((heading) => /^[a-z]/.test(heading));
    expect(explained).toEqual(Object.keys(errors));
  });

  it('lists every reason for which a session closes, and no other', () => {
    expect(firstCells('Close reasons')).toEqual(Object.keys(reasons));
  });

  it('lists the statuses there are', () => {
    const code = [...sourcesIn('src/transports'), ...sourcesIn('src/http')];
    const numbers = code.flatMap((file) => textOf(file).match(/(?<![\d_.])[45]\d\d(?![\d_.])/g) ?? []);
    const statuses = new Set(numbers.filter((number) => number in STATUS_CODES));
    expect(firstCells('HTTP statuses')).toEqual([...statuses].sort());
  });

  it('lists the close codes there are', () => {
    const codes = textOf('src/transports/websocket-link.ts').match(/(?<=: )1\d\d\d(?=,)/g) ?? [];
    expect(firstCells('WebSocket close codes')).toEqual([...new Set(codes)].sort());
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`);
}

/** A source without its comments. */
function textOf(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');
}

function firstCells(heading: string): string[] {
  return rowsOf({ ...page, prose: section(heading) })
    .slice(1)
    .map(([cell = '']) => cell.replaceAll('`', ''));
}
