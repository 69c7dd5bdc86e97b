import { describe, expect, it } from 'vitest';
import { bench, type BenchFlags } from '../../src/cli/bench.ts';
import { Latencies } from '../../src/cli/latencies.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { host } from '../interop/host.ts';
import { startBayeuxd } from '../conformance/servers.ts';

async function measure(url: string, flags: BenchFlags): Promise<string[]> {
  const printed: string[] = [];
  const print = (line: string) => void printed.push(line);
  const signal = new AbortController().signal;
  await bench(url, flags, { clock: systemClock, signal, width: 80, print, show: () => {} });
  return printed;
}

describe('bayeuxd bench', () => {
  it.each(['http', 'ws'])('measures deliveries and how long they take: %s', async (scheme) => {
    const { url, close } = await startBayeuxd();
    const flags = { subscribers: '5', rate: '200', time: '1', size: '100' };
    const printed = await measure(url.replace(/^http/, scheme), flags).finally(close);
    expect(printed[0]).toMatch(/^5 subscribers, 200 events with 100 bytes of data, \d+\.\d s$/);
    const [published = 0, deliveries = 0] = printed
      .slice(1, 3)
      .map((line) => Number(/([\d,]+)\/s$/.exec(line)?.[1]?.replace(',', '')));
    expect(deliveries / published).toBeCloseTo(5, 0);
    expect(printed[3]).toMatch(/^ {2}latency {5}p50 [\d.]+ ms, p99 [\d.]+ ms, longest [\d.]+ ms$/);
    expect(printed.slice(4).every((line) => /^ {2}< +[\d.]+ m?s +[\d.]+ % {0,2}#*$/.test(line))).toBe(true);
    expect(printed.filter((line) => line.length > 80)).toEqual([]);
  });

  it('publishes data of the size that was asked for, and does not count what warms up', async () => {
    const place = await host();
    const sizes: number[] = [];
    place.server.on('published', ({ data }) => sizes.push(JSON.stringify(data).length));
    const flags = { subscribers: '2', rate: '20', time: '1', size: '150' };
    const printed = await measure(place.url.replace(/^http/, 'ws'), flags);
    expect(new Set(sizes)).toEqual(new Set([150]));
    expect(printed[0]).toMatch(/^2 subscribers, 20 events with 150 bytes of data/);
    expect(sizes.length).toBeGreaterThan(20);
  });

  it('counts what a server that stops for a while keeps waiting', async () => {
    let first: number | undefined;
    let hasStopped = false;
    const place = await host({
      policy: {
        async canPublish() {
          first ??= performance.now();
          if (hasStopped || performance.now() - first < 2_100) return true;
          hasStopped = true;
          return new Promise((resolve) => void setTimeout(resolve, 700, true));
        },
      },
    });
    const flags = { subscribers: '2', rate: '50', time: '1', size: '100' };
    const printed = await measure(place.url.replace(/^http/, 'ws'), flags);
    expect(Number(/p50 (\d+)/.exec(printed[3] ?? '')?.[1])).toBeGreaterThan(100);
  });

  it.each([
    [
      'http://192.0.2.1:8000/bayeux',
      {},
      '192.0.2.1 is not this machine, and bench puts load on it: add --any-host if you may do that',
    ],
    [
      'http://127.0.0.1:2/bayeux',
      { subscribers: '10001' },
      '--subscribers must be a whole number from 1 to 10000, got "10001"',
    ],
    ['http://127.0.0.1:2/bayeux', { rate: '0' }, '--rate must be a whole number from 1 to 100000, got "0"'],
    [
      'http://127.0.0.1:2/bayeux',
      {},
      'cannot reach http://127.0.0.1:2 (ECONNREFUSED): nothing listens there; start it, or correct the port',
    ],
    ['localhost', {}, '"localhost" is no address'],
  ])('refuses %s %o', async (url, flags, message) => {
    await expect(measure(url, flags)).rejects.toThrow(message);
  });
});

describe('latencies', () => {
  it('are counted in little room, and read as percentiles and a histogram', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms - 0.05);
    expect(latencies.percentile(0.5)).toBeCloseTo(50);
    expect(latencies.percentile(0.99)).toBeCloseTo(99);
    expect(latencies.longest).toBeCloseTo(99.95);
    const lines = latencies.histogram(60);
    expect(lines[0]).toBe('  <   1.00 ms   1.0 %  #');
    expect(lines.at(-2)).toBe(`  <     64 ms  32.0 %  ${'#'.repeat(32)}`);
    expect(lines.length).toBe(8);
  });
});
