/** Samples that are kept: five minutes, at one every two seconds. */
const MOST = 151;

/** Turns answers of `/stats` into what charts show: rates are differences of counts. */
export class Samples {
  /** Each has its time `at` in seconds; values that are not known are null. */
  list = [];
  #last;

  /** Takes an answer. */
  add(stats) {
    const last = this.#last;
    this.#last = stats;
    // Counts go down when the server was started anew. Those of other nodes are other sums.
    const isNew =
      last === undefined ||
      stats.nodes !== last.nodes ||
      stats.handshakes < last.handshakes ||
      stats.publishes < last.publishes;
    const seconds = isNew ? 0 : (stats.at - last.at) / 1000;
    const rate = (name) => (seconds > 0 ? (stats[name] - last[name]) / seconds : null);
    this.list.push({
      at: stats.at / 1000,
      publishes: rate('publishes'),
      deliveries: rate('deliveries'),
      dropped: rate('dropped'),
      refusals: rate('refusals'),
      transports: stats.transports,
      queued: stats.queuedEvents,
      ...delayOf(stats.eventLoopDelay, isNew ? undefined : last.eventLoopDelay),
      flush: isNew ? null : meanOf(stats.publishToFlush, last.publishToFlush),
    });
    this.list = this.list.slice(-MOST);
  }

  /** The server did not answer: lines break here. */
  gap() {
    const last = this.list.at(-1);
    if (last === undefined || last.isGap) return;
    this.#last = undefined;
    this.list.push({ at: last.at + 1, isGap: true, transports: {} });
  }

  clear() {
    this.list = [];
    this.#last = undefined;
  }
}

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

/** The mean of the values since the last answer; null if there were none. */
function meanOf(now, last) {
  const values = total(now.counts) - total(last.counts);
  return values > 0 ? (now.sum - last.sum) / values : null;
}

function delayOf(now, last) {
  if (last === undefined) return { delay: null, late: null };
  const counts = now.counts.map((count, at) => count - last.counts[at]);
  return { delay: meanOf(now, last), late: quantile(now.bounds, counts, 0.99) };
}

/** The value that `part` of the values do not exceed, as exact as the buckets are; null without values. */
function quantile(bounds, counts, part) {
  const wanted = total(counts) * part;
  if (wanted === 0) return null;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    const [low, high] = [bounds[at - 1] ?? 0, bounds[at] ?? bounds.at(-1)];
    if (below + count >= wanted) return low + ((high - low) * (wanted - below)) / count;
    below += count;
  }
  return null;
}
