import { arrivals } from './arrivals.js';
import { costs } from './costs.js';
import { longPolling } from './long-polling.js';
import { memory } from './memory.js';
import { webSocket } from './websocket.js';

/**
 * What the load does. Every field has a value in `plain`; a scenario names those it changes.
 *
 * @typedef {object} Load
 * @property {'fanout' | 'arrivals' | 'idle'} work
 * @property {'websocket' | 'long-polling'} transport
 * @property {number} publishers
 * @property {number} subscribers
 * @property {number} channels
 * @property {'channel' | 'wild'} pattern Each subscriber hears one channel; or all of them, by a star or two in turn.
 * @property {number} window Publishes under way, all publishers together.
 * @property {number} rate Publishes a second instead of a window; 0: closed loop.
 * @property {number} batch Messages in one request.
 * @property {number} size Bytes of the data's JSON.
 * @property {number} ballast Other subscriptions, to channels without traffic.
 * @property {number} churn Subscribes and unsubscribes a second, all together.
 * @property {number} sessions That arrive, or that idle.
 * @property {string} feature What the server has on that is off by default: a name in `servers/features.js`.
 * @property {'' | 'ack' | 'timesync' | 'binary' | 'deflate'} speaks What clients use that not all use.
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
 * One line of the table the bench is there for.
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} group Selects it together with its neighbours.
 * @property {'cost'} [family] Run only when asked for, by this or a narrower name.
 * @property {readonly string[]} [servers] Those it is about; without it, all that speak its transport.
 * @property {string} title
 * @property {[one: string, many: string]} unit What is counted.
 * @property {readonly Measure[]} compare What the ratios are taken of.
 * @property {'prebuilt' | 'sketch' | 'echo' | 'deflated'} [ceiling]
 * @property {Partial<Load>} load
 * @property {{ title: string, load: Partial<Load> }} [own] Run beside it, to hold a server against itself.
 * @property {Goal} [goal] What bayeuxd has to reach: a ratio per measure, at least for rates, at most for the rest.
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
