import { $, copyOf } from '../dom.js';
import { Chart } from './chart.js';
import { bytes, count, measure } from './format.js';
import { Samples } from './samples.js';

const samples = new Samples();
const perSecond = (value) => `${measure(value)}/s`;
const ms = (value) => `${measure(value)} ms`;
let charts;

/** Shows what `/stats` answered. */
export function showStats(stats) {
  samples.add(stats);
  showTiles(stats, samples.list.at(-1));
  showCharts();
}

/** The server did not answer. */
export function showGap() {
  samples.gap();
}

export function clearStats() {
  samples.clear();
  $('tiles').replaceChildren();
}

function showTiles(stats, now) {
  const or = (value, format) => (value === null || value === undefined ? '–' : format(value));
  const tiles = [
    ['Sessions', count(stats.sessions), `of at most ${count(stats.maxSessions)}`],
    ['Channels', count(stats.channels), 'names and patterns with subscribers'],
    ['Published', or(now.publishes, perSecond), `${count(stats.publishes)} since the start`],
    ['Delivered', or(now.deliveries, perSecond), `${count(stats.deliveries)} since the start`],
    ['Waiting events', count(stats.queuedEvents), bytes(stats.queuedBytes)],
    ['Publish to flush', or(now.flush, ms), 'on average'],
    ['Dropped', or(now.dropped, perSecond), `${count(stats.dropped)} since the start, for slow clients`],
    ['Refused', or(now.refusals, perSecond), refusedBy(stats)],
  ];
  $('tiles').replaceChildren(
    ...tiles.map(([name, value, note]) => copyOf('tile', { dt: name, dd: value, '.note': note })),
  );
}

/** The option that refused most often. */
function refusedBy({ refusals, refused }) {
  const [most] = Object.entries(refused).sort(([, one], [, other]) => other - one);
  return `${count(refusals)} since the start${most === undefined ? '' : `, most by ${most[0]}`}`;
}

function showCharts() {
  charts ??= {
    rates: new Chart($('charts'), { title: 'Events', unit: 'per second', format: perSecond }),
    sessions: new Chart($('charts'), {
      title: 'Sessions by transport',
      unit: 'sessions',
      format: count,
      isCount: true,
    }),
    queue: new Chart($('charts'), {
      title: 'Queue depth',
      unit: 'events that wait',
      format: count,
      isCount: true,
    }),
    delay: new Chart($('charts'), { title: 'Event-loop delay', unit: 'milliseconds', format: ms }),
  };
  const { list } = samples;
  const times = list.map(({ at }) => at);
  const values = (name) => list.map((sample) => sample[name] ?? null);
  charts.rates.show(times, { published: values('publishes'), delivered: values('deliveries') });
  charts.sessions.show(times, byTransport(list));
  charts.queue.show(times, { waiting: values('queued') });
  charts.delay.show(times, { average: values('delay'), '99 % below': values('late') });
}

/** A line for each transport that had a session. */
function byTransport(list) {
  const names = [...new Set(list.flatMap(({ transports }) => Object.keys(transports)))].sort();
  if (names.length === 0) return { none: list.map(({ isGap }) => (isGap ? null : 0)) };
  return Object.fromEntries(
    names.map((name) => [
      name,
      list.map(({ transports, isGap }) => (isGap ? null : (transports[name] ?? 0))),
    ]),
  );
}
