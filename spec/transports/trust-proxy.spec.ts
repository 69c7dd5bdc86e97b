import { describe, expect, it } from 'vitest';
import { Server, type ServerSettings } from '../../src/index.ts';
import { addressOf } from '../../src/transports/request-info.ts';
import { send } from '../http/send.ts';
import { start } from '../support/start.ts';

type TrustProxy = NonNullable<ServerSettings['trustProxy']>;

describe('the address of a request', () => {
  it.each<
    [what: string, trustProxy: TrustProxy, peer: string, forwarded: string | undefined, address: string]
  >([
    ['the peer', false, '10.0.0.1', '1.1.1.1', '10.0.0.1'],
    ['the peer as IPv4 inside IPv6', false, '::ffff:10.0.0.1', undefined, '10.0.0.1'],
    ['the peer of no proxy', 1, '10.0.0.1', undefined, '10.0.0.1'],
    ['what one proxy says', 1, '10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    ['what two proxies say', 2, '10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
    ['all that is said where more proxies are expected', 3, '10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['a peer that is not listed', ['10.0.0.2'], '10.0.0.1', '1.1.1.1', '10.0.0.1'],
    ['a peer that is listed', ['10.0.0.1'], '10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    [
      'the first that is not in the ranges',
      ['10.0.0.0/8', 'loopback'],
      '::1',
      '6.6.6.6, 1.1.1.1, 10.9.9.9',
      '1.1.1.1',
    ],
    ['a listed IPv4 peer inside IPv6', ['10.0.0.0/8'], '::ffff:10.0.0.1', '1.1.1.1', '1.1.1.1'],
    ['an entry with a port', ['uniquelocal'], '10.0.0.1', '6.6.6.6, 1.1.1.1:55, 10.0.0.2:44', '1.1.1.1'],
    ['an IPv6 entry with a port', 1, '10.0.0.1', '[2001:db8::1]:55', '2001:db8::1'],
    ['the last address in front of nonsense', 3, '10.0.0.1', '1.1.1.1, unknown, 10.0.0.2', '10.0.0.2'],
    ['nothing that a client made up', 1, '10.0.0.1', '<script>', '10.0.0.1'],
    ['the client on a Unix socket', 1, '', '1.1.1.1', '1.1.1.1'],
    ['nobody on a Unix socket with a list', ['loopback'], '', '1.1.1.1', ''],
  ])('is %s', (_what, trustProxy, peer, forwarded, address) => {
    const { options } = new Server({ trustProxy });
    const socket = { destroyed: false, ...(peer !== '' && { remoteAddress: peer }) };
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    expect(addressOf({ headers, socket }, options.trustProxy)).toBe(address);
  });

  it('is what policies see', async () => {
    const seen: unknown[] = [];
    const policy = {
      canHandshake: ({ request }: { request: { address: string } }) => seen.push(request.address) > 0,
    };
    const { url } = await start({ trustProxy: ['loopback'], policy });
    const body =
      '[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]';
    const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': '6.6.6.6, 203.0.113.9:1234' };
    await send(url, 'POST', '', headers, body);
    expect(seen).toEqual(['203.0.113.9']);
  });
});
