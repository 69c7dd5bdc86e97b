import { arrivals } from './arrivals.js';
import { costs } from './costs.js';
import { longPolling } from './long-polling.js';
import { memory } from './memory.js';
import { webSocket } from './websocket.js';

/**
 * The load of a scenario. Defaults are in `plain`.
 *
 * @typedef {object} Load
 * @property {'fanout' | 'arrivals' | 'idle'} work
 * @property {'websocket' | 'long-polling'} transport
 * @property {number} publishers
 * @property {number} subscribers
 * @property {number} channels
 * @property {'channel' | 'wild'} pattern Each subscriber gets one channel, or all of them, with `*` or `**` in turn.
 * @property {number} window Publishes in flight, of all publishers together.
 * @property {number} rate Publishes per second instead of a window; 0: closed loop.
 * @property {number} batch Messages in one request.
 * @property {number} size Bytes of the data's JSON.
 * @property {number} ballast Other subscriptions, to channels without traffic.
 * @property {number} churn Subscribes and unsubscribes per second, of all sessions together.
 * @property {number} sessions Sessions that arrive or idle.
 * @property {string} feature Server feature to turn on: a name in `servers/features.js`.
 * @property {'' | 'ack' | 'timesync' | 'binary' | 'deflate'} speaks Extension that the clients use.
 */

/** @type {Load} */
const plain = {
  work: 'fanout',
  transport: 'websocket',
  publishers: 1,
  subscribers: 0,
  channels: 1,
  pattern: 'channel',
  window: 32,
  rate: 0,
  batch: 1,
  size: 100,
  ballast: 0,
  churn: 0,
  sessions: 0,
  feature: '',
  speaks: '',
};

/**
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} group Name that selects all scenarios of the group.
 * @property {'cost'} [family] A scenario with a family runs only if the flags name it, its group or its family.
 * @property {readonly string[]} [servers] Servers to run; without it, all that support the transport.
 * @property {string} title
 * @property {[one: string, many: string]} unit What the rate counts.
 * @property {readonly Measure[]} compare Measures to give ratios of.
 * @property {'prebuilt' | 'sketch' | 'echo' | 'deflated'} [ceiling]
 * @property {Partial<Load>} load
 * @property {{ title: string, load: Partial<Load> }} [own] A second load, to compare a server with itself.
 * @property {Goal} [goal] Goals of bayeuxd: a ratio per measure. A minimum for rates, a maximum for the others.
 *
 * @typedef {'rate' | 'cpu' | 'p50' | 'p99' | 'bytes'} Measure
 * @typedef {{ faye?: Partial<Record<Measure, number>>, ceiling?: Partial<Record<Measure, number>>, own?: Partial<Record<Measure, number>> }} Goal
 */

/** @type {readonly Scenario[]} */
export const scenarios = [...webSocket, ...longPolling, ...arrivals, ...memory, ...costs];

/** @param {Scenario} scenario @param {boolean} own @returns {Load} */
export function loadOf(scenario, own) {
  return { ...plain, ...scenario.load, ...(own ? scenario.own?.load : {}) };
}
