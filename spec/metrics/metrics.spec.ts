import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import express from 'express';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Server, ServerSettings } from '../../src/index.ts';
import { MemoryEngine } from '../../src/core/memory-engine.ts';
import { silent } from '../../src/lib/log.ts';
import { addMetrics, metrics, type MetricsOptions } from '../../src/metrics/metrics.ts';
import { send } from '../http/send.ts';
import { FakeClient, serve } from '../support/fake-client.ts';
import { listening, serverOf } from '../support/start.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

const rule = {
  history: { maxEvents: 5, maxAge: 60_000 },
  overflow: { action: 'dropOldest', maxEvents: 5 },
} as const;

/** The text of the metrics. */
async function textOf(server: Server): Promise<string> {
  const registry = new Registry();
  addMetrics(server, registry);
  return registry.metrics();
}

/** Values of one metric by their labels. */
function valuesOf(text: string, name: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

async function mounted(settings: ServerSettings = {}, options: MetricsOptions = {}): Promise<string> {
  return listening(createServer(express().use('/metrics', metrics(serverOf(settings), options))));
}

describe('the metrics of a server', () => {
  it('say what it did, and how much it has', async () => {
    const { server } = serve({
      channels: { '/d/**': rule },
      log: silent,
      maxSessions: 2,
      limits: { handshakes: 0 },
    });
    await server.open();
    const [ann, bob] = [await FakeClient.connected(server), await FakeClient.connected(server)];
    await FakeClient.open(server).catch(() => {});
    await ann.subscribe('/**');
    for (let at = 0; at < 8; at += 1) await server.publish('/d/x', at);
    await bob.publish('/other', 1);
    await bob.disconnect();
    const text = await textOf(server);
    const values = (name: string) => valuesOf(text, `bayeuxd_${name}`);
    expect(values('ready')).toEqual({ '': 1 });
    expect(values('sessions')).toEqual({ '{transport="long-polling"}': 1 });
    expect(values('sessions_limit')).toEqual({ '': 2 });
    expect(values('handshakes_total')).toEqual({ '': 3 });
    expect(values('sessions_opened_total')).toEqual({ '': 2 });
    expect(values('session_ends_total')).toMatchObject({
      '{reason="disconnect"}': 1,
      '{reason="timeout"}': 0,
    });
    expect(values('publishes_total')).toEqual({ '{rule=""}': 1, '{rule="/d/**"}': 8 });
    expect(values('gap_events_total')).toEqual({ '{action="dropOldest"}': 3, '{action="dropNewest"}': 0 });
    expect(values('queued_events')).toEqual({ '': 6 });
    expect(values('history_events')).toEqual({ '': 5 });
    expect(values('refusals_total')).toEqual({ '{event="session.refused",option="maxSessions"}': 1 });
    expect(Object.values(values('queued_bytes'))[0]).toBeGreaterThan(100);
  });

  it('have those of the cluster where there is one', async () => {
    const alone = await textOf(serve().server);
    expect(valuesOf(alone, 'bayeuxd_cluster_nodes')).toEqual({ '': 1 });
    expect(valuesOf(alone, 'bayeuxd_engine_open')).toEqual({});
    expect(valuesOf(alone, 'bayeuxd_cluster_links')).toEqual({});
    const engine = Object.assign(new MemoryEngine(), {
      status: () => ({
        formats: [1, 1] as const,
        waiting: 2,
        lag: { entries: 3, ms: 4500 },
        failures: 5,
        reconnects: 6,
      }),
      nodes: () => [{ node: 'Bbbbbbbb' }],
      peers: {
        nodes: ['Bbbbbbbb'],
        linked: ['Bbbbbbbb'],
        forwarded: { out: 7, in: 8 },
        ask: () => Promise.reject(new Error('nobody is there')),
        serve() {},
      },
    });
    const text = await textOf(serve({ engine }).server);
    const values = (name: string) => valuesOf(text, `bayeuxd_${name}`);
    expect(values('cluster_nodes')).toEqual({ '': 2 });
    expect(values('engine_open')).toEqual({ '': 1 });
    expect(values('engine_waiting_publications')).toEqual({ '': 2 });
    expect(values('engine_lag_entries')).toEqual({ '': 3 });
    expect(values('engine_lag_seconds')).toEqual({ '': 4.5 });
    expect(values('engine_failed_commands_total')).toEqual({ '': 5 });
    expect(values('engine_reconnects_total')).toEqual({ '': 6 });
    expect(values('cluster_links')).toEqual({ '': 1 });
    expect(values('forwarded_requests_total')).toEqual({ '{direction="out"}': 7, '{direction="in"}': 8 });
  });

  it('have histograms whose buckets add up, in seconds', async () => {
    const { server, clock } = serve();
    const registry = new Registry();
    addMetrics(server, registry);
    await clock.tick(100);
    const text = await registry.metrics();
    const buckets = Object.values(valuesOf(text, 'bayeuxd_event_loop_delay_seconds_bucket'));
    expect(buckets).toEqual([...buckets].sort((left, right) => left - right));
    expect(valuesOf(text, 'bayeuxd_event_loop_delay_seconds_count')).toEqual({ '': buckets.at(-1) });
    expect(buckets.at(-1)).toBe(5);
    expect(text).toContain('bayeuxd_event_loop_delay_seconds_bucket{le="0.001"} 5');
    await server.close();
    await clock.tick(20);
    expect(clock.pending).toBe(0);
  });

  it('have as many lines under 100,000 channels and 1,000 users as under one', async () => {
    const { server } = serve({
      channels: { '/c/**': { lazy: true } },
      limits: { handshakes: 0 },
      maxSubscriptions: 1_000,
      policy: { canHandshake: ({ message }) => ({ allow: true, user: String(message.ext?.user) }) },
    });
    const lines = async () => (await textOf(server)).split('\n').length;
    const users = Array.from({ length: 1_000 }, (_, at) => `user-${at}`);
    const [first, ...others] = users;
    const open = async (user = '') => {
      const client = await FakeClient.open(server, undefined, { ext: { user } });
      const patterns = Array.from({ length: 100 }, (_, at) => `/c/${user}/${at}`);
      await client.subscribe(patterns);
      await Promise.all(patterns.map((channel) => server.publish(channel, 1)));
    };
    await open(first);
    const before = await lines();
    for (const user of others) await open(user);
    expect(server.usage.channelNodes).toBe(100_000);
    const text = await textOf(server);
    expect(text.split('\n')).toHaveLength(before);
    expect(text).not.toMatch(/user-|\/c\/\w/);
    expect(valuesOf(text, 'bayeuxd_publishes_total')).toEqual({ '{rule=""}': 0, '{rule="/c/**"}': 100_000 });
  }, 60_000);

  it('are added to a registry once', async () => {
    const { server } = serve();
    const registry = new Registry();
    addMetrics(server, registry);
    expect(() => addMetrics(server, registry)).toThrow('already been registered');
    // @ts-expect-error: no registry.
    expect(() => addMetrics(server)).toThrow('a registry of prom-client is needed, got undefined');
    await server.close();
  });
});

describe('metrics()', () => {
  it.runIf(hasPromtool)(
    'is text that promtool finds no fault with, those of the process included',
    async () => {
      const { text, headers } = await send(await mounted({ channels: { '/d/**': rule } }), 'GET', '/metrics');
      expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(text).toContain('\nnodejs_heap_size_used_bytes ');
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text });
      expect([status, String(stdout), String(stderr)]).toEqual([0, '', '']);
    },
  );

  it('is for programs on this machine, not for those behind a proxy', async () => {
    const url = await mounted();
    const statusOf = async (headers: Record<string, string>) =>
      (await send(url, 'GET', '/metrics', headers)).status;
    expect(await statusOf({})).toBe(200);
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
      expect(await statusOf({ [name]: '127.0.0.1' }), name).toBe(403);
  });

  it('believes a trusted proxy', async () => {
    const url = await mounted({ trustProxy: ['loopback'] });
    const statusOf = async (address: string) =>
      (await send(url, 'GET', '/metrics', { 'x-forwarded-for': address })).status;
    expect([await statusOf('127.0.0.1'), await statusOf('203.0.113.5')]).toEqual([200, 403]);
  });

  it('is for everybody, or for whom a function lets in, where it is told so', async () => {
    const far = { 'x-forwarded-for': '203.0.113.5' };
    const everybody = await mounted({}, { allow: 'everybody' });
    expect((await send(everybody, 'GET', '/metrics', far)).status).toBe(200);
    const some = await mounted({}, { allow: ({ headers }) => headers.authorization === 'Bearer scrape' });
    expect((await send(some, 'GET', '/metrics')).status).toBe(403);
    expect((await send(some, 'GET', '/metrics', { authorization: 'Bearer scrape' })).status).toBe(200);
  });

  it('refuses other methods, and arguments that are wrong', async () => {
    expect((await send(await mounted(), 'POST', '/metrics')).status).toBe(405);
    const server = serverOf();
    // @ts-expect-error: no such word.
    expect(() => metrics(server, { allow: 'all' })).toThrow(
      'allow must be "local", "everybody" or a function, got "all"',
    );
    // @ts-expect-error: no such option.
    expect(() => metrics(server, { alow: 'local' })).toThrow('alow');
    // @ts-expect-error: no server.
    expect(() => metrics({})).toThrow("write app.use('/metrics', metrics(server))");
  });
});
