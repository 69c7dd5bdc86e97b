import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { Server } from '../../src/index.ts';
import { metrics } from '../../src/metrics/metrics.ts';
import { listen } from '../support/start.ts';
import { metricsIn, queriesOfAlerts, queriesOfDashboard } from './files.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** Names in the text of the metrics, with those of the parts of histograms. */
let names: ReadonlySet<string> = new Set();

beforeAll(async () => {
  const server = new Server();
  const http = createServer(metrics(server));
  await listen(http);
  const address = http.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  // A metric whose labels have no values yet has nothing but its type.
  const found = text.matchAll(/^(?:# TYPE )?([a-z]\w*)/gm);
  names = new Set(Array.from(found, ([, name = '']) => name));
  http.closeAllConnections();
  http.close();
  await server.close();
});

describe('each metric exists that', () => {
  it.each(queriesOfDashboard())('the panel «$panel» names', ({ expr }) => {
    expect(metricsIn(expr)).not.toHaveLength(0);
    expect(metricsIn(expr).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(queriesOfAlerts())('the alert on «%s» names', (expr) => {
    expect(metricsIn(expr)).not.toHaveLength(0);
    expect(metricsIn(expr).filter((name) => !names.has(name))).toEqual([]);
  });
});

it('the dashboard shows every metric of bayeuxd', () => {
  const shown = new Set(queriesOfDashboard().flatMap(({ expr }) => metricsIn(expr)));
  const own = [...names].filter((name) => name.startsWith('bayeuxd_') && !/_(sum|count)$/.test(name));
  const isShown = (name: string) => shown.has(name) || shown.has(`${name}_bucket`);
  expect(own.filter((name) => !isShown(name))).toEqual([]);
});

it.runIf(hasPromtool)('promtool finds no fault with the configuration and the alerts', () => {
  const check = (...args: string[]) => spawnSync('promtool', ['check', ...args]).status;
  expect(check('config', 'deploy/prometheus/prometheus.yml')).toBe(0);
  expect(check('rules', 'deploy/prometheus/alerts.yml')).toBe(0);
});
