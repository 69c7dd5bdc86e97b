import { sleep } from './clock.js';
import { channelName } from './publisher.js';
import { openSessions } from './session.js';

const PER_SESSION = 1000;
const PER_REQUEST = 100;
const CHURNERS = 20;

/**
 * Opens sessions with `count` subscriptions, each to a channel of its own without traffic.
 *
 * @param {import('./session.js').Site} site
 * @param {number} count
 */
export async function openBallast(site, count) {
  const sessions = await openSessions(site, Math.ceil(count / PER_SESSION), () => undefined);
  for (let from = 0; from < count; from += PER_REQUEST) {
    const names = Array.from({ length: PER_REQUEST }, (_, index) => `/other/c${from + index}`);
    await sessions[Math.floor(from / PER_SESSION)]?.subscribe(names);
  }
  return sessions;
}

/** Sessions that subscribe and unsubscribe all the time: half of them to the measured channel, half to channels of their own. */
export class Churn {
  #stopped = false;

  /** @param {import('./session.js').Session[]} sessions @param {number} rate Changes per second, of all sessions together. */
  constructor(sessions, rate) {
    this.sessions = sessions;
    const pause = (1000 * sessions.length) / rate;
    for (const [index, session] of sessions.entries()) void this.#run(session, index, pause);
  }

  /** @param {import('./session.js').Site} site @param {number} rate */
  static async open(site, rate) {
    return new Churn(rate > 0 ? await openSessions(site, CHURNERS, () => undefined) : [], rate);
  }

  stop() {
    this.#stopped = true;
  }

  /** @param {import('./session.js').Session} session @param {number} index @param {number} pause */
  async #run(session, index, pause) {
    let due = performance.now() + (pause * index) / CHURNERS;
    for (let turn = 0; !this.#stopped; turn++) {
      const pattern = index % 2 ? channelName(0) : `/churn/c${index}x${turn >> 1}`;
      if (turn % 2) await session.unsubscribe(pattern);
      else await session.subscribe(pattern);
      due += pause;
      await sleep(Math.max(0, due - performance.now()));
    }
  }
}
