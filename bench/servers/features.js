import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const everything = '/bench/**';
const words = { type: 'string', maxLength: 10_000 };

/** Server options that turn one feature on. @type {Record<string, () => object | Promise<object>>} */
const features = {
  '': () => ({}),
  timestamp: () => ({ timestamp: 'iso' }),
  resend: () => ({ redelivery: 'resend' }),
  schema: () =>
    rule({ schema: { type: 'object', properties: { m: words, x: words }, required: ['m', 'x'] } }),
  overflow: () => rule({ overflow: { action: 'dropOldest', maxEvents: 1000 } }),
  conflate: () => rule({ overflow: { action: 'conflate', key: '/m', maxEvents: 1000 } }),
  history: () => rule({ history: true }),
  durable: () => durable(false),
  sync: () => durable(true),
  policy: () => ({ policy }),
  rates: () => ({
    ...rule({ rate: { publishes: 100_000_000 } }),
    limits: { publishes: 100_000_000, bytes: 1_000_000_000 },
  }),
  looks: () => ({ extensions: [looks] }),
  auth: () => ({ auth: { secret: 'x'.repeat(32), anonymous: true }, ...rule({ grants: forAll }) }),
  journal: () => ({ journal: true }),
  both: () => ({ policy, extensions: [looks] }),
  metrics: () => ({}),
  delay1: () => ({ writeDelay: 1 }),
  delay5: () => ({ writeDelay: 5 }),
  delay20: () => ({ writeDelay: 20 }),
  deflate: () => ({ websocket: { perMessageDeflate: true } }),
};

const forAll = { subscribe: 'everybody', publish: 'everybody' };

const policy = {
  canPublish: (/** @type {any} */ { channel }) => channel.startsWith('/bench/'),
};

const looks = {
  name: 'looks',
  publishing: (/** @type {any} */ event) => (event.data === undefined ? undefined : event),
};

/** @param {string} name */
export async function settingsOf(name) {
  const settings = features[name];
  if (!settings) throw new Error(`no feature ${name}; there are ${Object.keys(features).join(', ')}`);
  return settings();
}

/** How often the metrics are read: fifteen times as often as is usual. Milliseconds. */
const SCRAPE = 1_000;

/** Does what a feature needs beside the options of the server. @param {string} name @param {any} server */
export async function attend(name, server) {
  if (name !== 'metrics') return;
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const { addMetrics } = await import('../../dist/metrics/metrics.js');
  const register = new Registry();
  collectDefaultMetrics({ register });
  addMetrics(server, register);
  setInterval(() => void register.metrics(), SCRAPE);
}

/**
 * A server without a limit of handshakes: the clients of the bench have one address, and arrive as fast as they can.
 *
 * @param {new (settings: object) => any} Server @param {{ limits?: object }} settings
 */
export function unlimited(Server, settings) {
  try {
    return new Server({
      ...settings,
      limits: { ...settings.limits, handshakes: 0, handshakesPerAddress: 0 },
    });
  } catch {
    // An older build has no such limits.
    return new Server(settings);
  }
}

/** @param {object} rule */
function rule(rule) {
  return { channels: { [everything]: rule } };
}

/** @param {boolean} sync */
async function durable(sync) {
  const { LevelHistory } = await import('../../dist/features/history/level/level-history.js');
  // A server of the bench is killed and leaves its files, so the next run removes them.
  const path = join(tmpdir(), 'bayeuxd-bench-history');
  await rm(path, { recursive: true, force: true });
  return { ...rule({ history: true }), history: new LevelHistory({ path, sync }) };
}
