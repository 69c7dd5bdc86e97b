import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ask, serve } from '../cli/running-program.ts';
import { HeldPoll } from '../support/held-poll.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { queriesOfAlerts, queriesOfDashboard } from './files.ts';

const { file, folder } = tempFolder();
const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;

/** How long Grafana and the alerts look back, here. */
const RANGE = '5s';

const config = JSON.stringify({
  maxSessions: 50,
  maxSessionsPerAddress: 5,
  channels: {
    '/chat/**': { history: { maxEvents: 10, maxAge: 60_000 } },
    '/slow': { overflow: { action: 'dropOldest', maxEvents: 1 } },
  },
});

interface Found {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** A Prometheus that scrapes this address every half second. Resolves with its own address, once it is up. */
async function prometheusFor(target: string): Promise<string> {
  const yaml = `global: { scrape_interval: 500ms }\nscrape_configs: [{ job_name: bayeuxd, static_configs: [{ targets: ["${target}"] }] }]\n`;
  const port = await freePort();
  const args = [
    `--config.file=${file('prometheus.yml', yaml)}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn('prometheus', args, { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const url = `http://127.0.0.1:${port}`;
  const status = () =>
    fetch(`${url}/-/ready`).then(
      ({ status }) => status,
      () => 0,
    );
  await expect.poll(status, { timeout: 30_000 }).toBe(200);
  return url;
}

async function found(prometheus: string, expr: string): Promise<Found> {
  const query = expr.replaceAll('$__rate_interval', RANGE).replaceAll('"$instance"', '".*"');
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query })}`);
  const answer: Found = JSON.parse(await response.text());
  return answer;
}

/** The values that a query finds; an error in words. */
async function valuesOf(prometheus: string, expr: string): Promise<readonly string[] | string> {
  const { error, data } = await found(prometheus, expr);
  return error ?? data.result.map(({ value: [, value] }) => value);
}

/** Sessions on two transports, publishes, a reader that reads nothing, a client that leaves, and refusals, until the test ends. */
async function load(url: string): Promise<void> {
  const bayeux = `${url}/bayeux`;
  const readers = await Promise.all([1, 2].map(() => WebSocketClient.connected(bayeux, '/chat/**')));
  for (const reader of readers) reader.hold();
  await HeldPoll.subscribed(bayeux, '/nothing');
  const flow = { ext: { flow: { credit: 0 } } };
  const idle = await WebSocketClient.connected(bayeux, '/slow');
  idle.send(idle.message('/meta/connect', { connectionType: 'websocket', ...flow }));
  const publisher = await WebSocketClient.connected(bayeux);
  const timer = setInterval(() => {
    for (const channel of ['/chat/a', '/slow', '/other'])
      publisher.send(publisher.message(channel, { data: 'x' }));
    publisher.send({ ...publisher.message('/chat/a', { data: 1 }), clientId: 'nobody' });
  }, 20);
  onTestFinished(() => clearInterval(timer));
  publisher.send(idle.message('/meta/unknown', {}));
}

describe.runIf(hasPrometheus)('Prometheus, scraping a server under load,', () => {
  it('finds data for each query of the dashboard, and none of the alerts is wrong', async () => {
    const running = await serve([
      '--metrics-port',
      '0',
      '--log-format',
      'json',
      '--config',
      file('b.yaml', config),
    ]);
    const target = /"metrics":"http:\/\/([^"]+)"/.exec(running.stderr())?.[1] ?? '';
    const prometheus = await prometheusFor(target);
    await load(running.url);
    const scraped = () => valuesOf(prometheus, `count_over_time(bayeuxd_ready[${RANGE}]) > 8`);
    await expect.poll(scraped, { timeout: 30_000, interval: 250 }).toHaveLength(1);

    for (const { panel, expr } of queriesOfDashboard()) {
      const values = await valuesOf(prometheus, expr);
      expect(values, panel).not.toHaveLength(0);
      for (const value of values) expect(Number(value), `${panel}: ${value}`).not.toBeNaN();
    }
    for (const expr of queriesOfAlerts())
      expect(await valuesOf(prometheus, expr), expr).toBeInstanceOf(Array);

    const [publishes] = await valuesOf(prometheus, `sum(rate(bayeuxd_publishes_total[${RANGE}]))`);
    expect(Number(publishes)).toBeGreaterThan(30);
    const [dropped] = await valuesOf(prometheus, `sum(rate(bayeuxd_gap_events_total[${RANGE}]))`);
    expect(Number(dropped)).toBeGreaterThan(10);
    const [sessions] = await valuesOf(prometheus, 'sum(bayeuxd_sessions)');
    expect(Number(sessions)).toBe(5);
    const { status } = await ask(`${running.url}/healthz`);
    expect(status).toBe(200);
  }, 90_000);
});
