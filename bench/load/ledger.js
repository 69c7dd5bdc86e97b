import { Histogram } from '../stats.js';

/** Most numbers of one stream that may be in flight. A power of two. */
const RING = 4096;
const MASK = RING - 1;

/**
 * Records sent messages and their deliveries. A *stream* is the numbered messages of one publisher to one
 * channel. Every subscriber of the channel must get each number once and in order.
 */
export class Ledger {
  sent = 0;
  /** Publishes that all subscribers have received; without subscribers, publishes that were answered. */
  completed = 0;
  delivered = 0;
  replies = 0;
  refused = 0;
  duplicated = 0;
  reordered = 0;
  stray = 0;
  latency = new Histogram();
  measuring = false;
  /** Counted only while `measuring`. */
  measured = { deliveries: 0, completed: 0 };
  /** Called when `completed` has grown. */
  onCompleted = () => {};
  /** Called when replies have come: a publisher that waited for one may continue. */
  onReplied = () => {};

  /** @type {Listener[]} */
  #listeners = [];
  #next;
  #answered;
  #floor;
  #audience;
  /** Per stream and number: how many subscribers expect this number next. */
  #waiting;
  #sentAt;

  /** @param {number} streams */
  constructor(streams) {
    this.#next = new Int32Array(streams);
    this.#answered = new Int32Array(streams);
    this.#floor = new Int32Array(streams);
    this.#audience = new Int32Array(streams);
    this.#waiting = new Int32Array(streams * RING);
    this.#sentAt = new Float64Array(streams * RING);
  }

  /** A new subscriber, which must get all later messages of these streams. @param {readonly number[]} streams */
  listener(streams) {
    const listener = new Listener(this.#next.length);
    for (const stream of streams) {
      listener.next[stream] = this.#next[stream];
      this.#audience[stream]++;
      this.#waiting[stream * RING + (this.#next[stream] & MASK)]++;
    }
    this.#listeners.push(listener);
    return listener;
  }

  /** The number of the stream's next publish. @param {number} stream */
  next(stream) {
    return this.#next[stream];
  }

  /** Numbers a publish. @param {number} stream @param {number} now */
  send(stream, now) {
    const number = this.#next[stream]++;
    this.#sentAt[stream * RING + (number & MASK)] = now;
    this.sent++;
    return number;
  }

  /** @param {Listener} listener @param {ArrayLike<number>} runs @param {number} now */
  deliver(listener, runs, now) {
    for (let i = 0; i < runs.length; i += 3) {
      const [stream, first, last] = [runs[i], runs[i + 1], runs[i + 2]];
      const expected = stream < listener.next.length ? listener.next[stream] : -1;
      const count = last - first + 1;
      this.delivered += count;
      if (this.measuring) {
        this.measured.deliveries += count;
        this.#time(listener.latency ?? this.latency, stream, first, last, now);
      }
      if (expected === first) this.#advance(listener, stream, last + 1);
      else this.#outOfOrder(listener, stream, first, last);
    }
  }

  /** @param {ArrayLike<number>} runs @param {number} now */
  answer(runs, now) {
    for (let i = 0; i < runs.length; i += 3) {
      const [stream, first, last] = [runs[i], runs[i + 1], runs[i + 2]];
      this.replies += last - first + 1;
      if (this.#answered[stream] !== first) this.reordered++;
      this.#answered[stream] = last + 1;
      if (this.#audience[stream] > 0) continue;
      if (this.measuring) this.#time(this.latency, stream, first, last, now);
      this.#complete(last - first + 1);
    }
    this.onReplied();
  }

  /** Deliveries that are still missing. */
  get lost() {
    let lost = 0;
    for (const { next, missing } of this.#listeners) {
      lost += missing.size;
      for (let stream = 0; stream < next.length; stream++) {
        if (next[stream] >= 0) lost += this.#next[stream] - next[stream];
      }
    }
    return lost;
  }

  /** @param {Histogram} latency @param {number} stream @param {number} first @param {number} last @param {number} now */
  #time(latency, stream, first, last, now) {
    const base = stream * RING;
    for (let number = first; number <= last; number++)
      latency.add(now - this.#sentAt[base + (number & MASK)]);
  }

  /** @param {Listener} listener @param {number} stream @param {number} next */
  #advance(listener, stream, next) {
    const base = stream * RING;
    const before = listener.next[stream];
    listener.next[stream] = next;
    this.#waiting[base + (before & MASK)]--;
    this.#waiting[base + (next & MASK)]++;
    if (before !== this.#floor[stream]) return;
    let floor = before;
    while (floor < this.#next[stream] && this.#waiting[base + (floor & MASK)] === 0) floor++;
    this.#floor[stream] = floor;
    if (floor > before) this.#complete(floor - before);
  }

  /** @param {number} count */
  #complete(count) {
    this.completed += count;
    if (this.measuring) this.measured.completed += count;
    this.onCompleted();
  }

  /** @param {Listener} listener @param {number} stream @param {number} first @param {number} last */
  #outOfOrder(listener, stream, first, last) {
    for (let number = first; number <= last; number++) {
      const expected = stream < listener.next.length ? listener.next[stream] : -1;
      const key = stream * 2 ** 32 + number;
      if (expected < 0 || number >= this.#next[stream]) this.stray++;
      else if (number >= expected) {
        for (let gap = expected; gap < number; gap++) listener.missing.add(stream * 2 ** 32 + gap);
        this.#advance(listener, stream, number + 1);
      } else if (listener.missing.delete(key)) this.reordered++;
      else this.duplicated++;
    }
  }
}

/** One subscriber. `next`: the number expected next in each stream; -1 if it does not get the stream. */
export class Listener {
  /** Numbers that were skipped and have not come yet. @type {Set<number>} */
  missing = new Set();
  /** Used instead of the ledger's. @type {Histogram | undefined} */
  latency;

  /** @param {number} streams */
  constructor(streams) {
    this.next = new Int32Array(streams).fill(-1);
  }
}
