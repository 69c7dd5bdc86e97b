import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LinkAddress, linkAddress, textOf } from '../../src/cluster/address.ts';
import { checkCluster } from '../../src/cluster/link-settings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Bus } from '../support/bus-engine.ts';
import { connectAll, startNode } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const secret = 's'.repeat(32);
const pem = (name: string) => readFileSync(fileURLToPath(new URL(`../cli/tls/${name}.pem`, import.meta.url)));
const tls = { cert: pem('cert'), key: pem('key'), ca: pem('cert') };

/** As code in JavaScript gives them. */
const check = (settings: object) => checkCluster(Object.assign({ listen: '10.0.0.1:1' }, settings));

describe('the settings of links', () => {
  it.each([
    [{ listen: '10.0.0.1:8001', secret }],
    [{ listen: '/run/bayeuxd/1' }],
    [{ listen: '/run/bayeuxd/1', advertise: '/run/bayeuxd/1', secret }],
    [{ listen: '0.0.0.0:8001', advertise: 'one.example.com:8001', secret }],
    [{ listen: '[::1]:8001', secret, tls }],
    [{ listen: undefined, secret }],
  ])('%j are accepted', (given) => {
    check(given);
  });

  it.each([
    [{ listen: '10.0.0.1' }, 'cluster.listen must be host:port'],
    [{ listen: 8001 }, 'got 8001'],
    [{ listen: undefined, secret: 'short' }, 'cluster.secret must be a text of at least 32 characters'],
    [{ listen: undefined, advertise: 'a:1' }, 'cluster.advertise has no effect without cluster.listen'],
    [{ listen: undefined, tls }, 'cluster.tls has no effect without cluster.listen'],
    [{ listen: '10.0.0.1:70000', secret }, 'a port of at most 65535, got "10.0.0.1:70000"'],
    [{}, 'cluster.listen on a TCP port needs cluster.secret, the same on all nodes'],
    [{ secret: 'short' }, 'cluster.secret must be a text of at least 32 characters'],
    [{ secret: 7 }, 'cluster.secret must be a text of at least 32 characters'],
    [{ secrets: secret }, 'did you mean "secret"'],
    [
      { listen: '0.0.0.0:1', secret },
      'cluster.listen "0.0.0.0:1" is no address that other nodes can reach: set cluster.advertise',
    ],
    [
      { listen: '[::]:1', secret },
      'cluster.listen "[::]:1" is no address that other nodes can reach: set cluster.advertise',
    ],
    [
      { advertise: '10.0.0.1:0', secret },
      'cluster.advertise "10.0.0.1:0" is no address that other nodes can reach',
    ],
    [
      { listen: '/run/one', advertise: '10.0.0.1:1' },
      'cluster.advertise and cluster.listen must both be a port, or both a socket file',
    ],
    [{ secret, tls: { cert: 'a' } }, 'cluster.tls.key must be a text or a Buffer in PEM, got undefined'],
    [{ secret, tls: { ...tls, certFile: 'a' } }, 'cluster.tls has "certFile"'],
    [{ secret, tls: true }, 'cluster.tls must be an object'],
    [{ listen: '/run/one', tls }, 'cluster.tls has no effect on a socket file: leave it out'],
  ])('%j are refused', (given, message) => {
    expect(() => check(given)).toThrow(message);
  });

  it('do not show the secret in an error', () => {
    expect(() => check({ secret: 'hush-hush' })).toThrow(/^(?!.*hush)/);
  });
});

describe('an address', () => {
  it.each<[string, LinkAddress]>([
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['[::1]:2', { host: '::1', port: 2 }],
    ['/a/b', { path: '/a/b' }],
  ])('%s is read and written', (text, address) => {
    expect(linkAddress(text)).toEqual(address);
    expect(textOf(address)).toBe(text);
  });

  it.each(['', 'a', 'a:', ':1', 'a:1:2', '[x]:1', 'a:123456', 'a b:1'])('"%s" is none', (text) => {
    expect(linkAddress(text)).toBe(undefined);
  });
});

describe('links with TLS', () => {
  const settings = { listen: '127.0.0.1:0', secret, tls };

  it('carry requests, and show nothing to others', async () => {
    const bus = new Bus(systemClock);
    const nodes = await Promise.all([1, 2].map(() => startNode(bus, { link: settings })));
    onTestFinished(async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    });
    await connectAll(nodes);
    const [one, other] = nodes;
    expect(await one?.peers.ask(other?.info.name ?? '', { of: 'count' }, 1_000)).toBe(0);
  });

  it('do not open to a node without them', async () => {
    const bus = new Bus(systemClock);
    const [plain, secure] = [
      await startNode(bus, { link: { secret } }),
      await startNode(bus, { link: settings }),
    ];
    onTestFinished(async () => {
      await Promise.all([plain.stop(), secure.stop()]);
    });
    for (const { peers } of [plain, secure]) peers.setNodes([plain.info, secure.info]);
    await until(() => plain.logged.some(({ event }) => event === 'link.refused'));
    expect([...plain.peers.linked, ...secure.peers.linked]).toEqual([]);
  });
});
