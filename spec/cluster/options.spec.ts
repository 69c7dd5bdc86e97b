import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LinkAddress, linkAddress, textOf } from '../../src/cluster/address.ts';
import { clusterOptions, linkSettings } from '../../src/cluster/options.ts';
import { resolve } from '../../src/options/check.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Bus } from '../support/bus-engine.ts';
import { connectAll, startNode } from '../support/cluster.ts';
import { until } from '../support/until.ts';

const secret = 's'.repeat(32);
const pem = (name: string) => fileURLToPath(new URL(`../cli/tls/${name}.pem`, import.meta.url));
const tls = { certFile: pem('cert'), keyFile: pem('key'), caFile: pem('cert') };

function read(cluster: object) {
  const options = resolve(clusterOptions.sections.Cluster, { cluster });
  clusterOptions.refuse(options);
  return linkSettings(options);
}

describe('the options of links', () => {
  it('are none by default', () => {
    expect(read({})).toBe(undefined);
  });

  it.each([
    [
      { listen: '10.0.0.1:8001', secret },
      { listen: '10.0.0.1:8001', secret },
    ],
    [
      { listen: '/run/bayeuxd/1', advertise: '/run/bayeuxd/1' },
      { listen: '/run/bayeuxd/1', secret: '', advertise: '/run/bayeuxd/1' },
    ],
    [
      { listen: '0.0.0.0:8001', advertise: 'one.example.com:8001', secret },
      { listen: '0.0.0.0:8001', advertise: 'one.example.com:8001', secret },
    ],
    [
      { listen: '[::1]:8001', secret },
      { listen: '[::1]:8001', secret },
    ],
  ])('%j say how a node is linked', (given, settings) => {
    expect(read(given)).toEqual(settings);
  });

  it('read the certificate, the key and the authority', () => {
    const settings = read({ listen: '127.0.0.1:0', secret, tls });
    expect(Object.values(settings?.tls ?? {}).map((one) => String(one).split('\n', 1)[0])).toEqual([
      '-----BEGIN CERTIFICATE-----',
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN CERTIFICATE-----',
    ]);
  });

  it.each([
    [
      { listen: '10.0.0.1' },
      'cluster.listen must be host:port, [IPv6]:port or the path of a socket file, got "10.0.0.1"',
    ],
    [
      { listen: '10.0.0.1:70000', secret },
      'cluster.listen "10.0.0.1:70000" is no address: a port is at most 65535',
    ],
    [{ listen: '10.0.0.1:1' }, 'cluster.listen on a TCP port needs cluster.secret, the same on all nodes'],
    [
      { listen: '10.0.0.1:1', secret: 'short' },
      'cluster.secret must be at least 32 characters, not `<redacted>`',
    ],
    [
      { listen: '0.0.0.0:1', secret },
      'cluster.listen "0.0.0.0:1" is no address that other nodes can reach: set cluster.advertise',
    ],
    [
      { listen: '[::]:1', secret },
      'cluster.listen "[::]:1" is no address that other nodes can reach: set cluster.advertise',
    ],
    [
      { listen: '10.0.0.1:1', advertise: '10.0.0.1:0', secret },
      'cluster.advertise "10.0.0.1:0" is no address that other nodes can reach',
    ],
    [
      { listen: '/run/one', advertise: '10.0.0.1:1' },
      'cluster.advertise and cluster.listen must both be a port, or both a socket file',
    ],
    [{ advertise: '10.0.0.1:1' }, 'cluster.advertise has no effect without cluster.listen'],
    [{ secret }, 'cluster.secret has no effect without cluster.listen'],
    [{ tls }, 'cluster.tls has no effect without cluster.listen'],
    [
      { listen: '10.0.0.1:1', secret, tls: { certFile: 'a' } },
      'cluster.tls needs certFile, keyFile and caFile: give all three',
    ],
    [{ listen: '/run/one', tls }, 'cluster.tls has no effect on a socket file: leave it out'],
    [
      { listen: '10.0.0.1:1', secret, tls: { ...tls, keyFile: '/none.pem' } },
      'cluster.tls.keyFile "/none.pem" cannot be read: there is no such file; correct the path',
    ],
  ])('%j are refused', (given, message) => {
    expect(() => read(given)).toThrow(message);
  });

  it('do not show the secret in an error', () => {
    expect(() => read({ listen: '10.0.0.1:1', secret: 'hush-hush' })).toThrow(/^(?!.*hush)/);
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
  it('carry requests, and show nothing to others', async () => {
    const settings = read({ listen: '127.0.0.1:0', secret, tls });
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
    const settings = read({ listen: '127.0.0.1:0', secret, tls });
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
