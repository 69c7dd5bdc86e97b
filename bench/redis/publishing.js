/** About a hundred bytes, as people write to each other. @param {number} at */
export const dataOf = (at) => ({
  text: 'a message of about a hundred bytes, which is what people write to each other',
  at,
});

/**
 * Publishes as many at once as `inFlight` says. Gives the median of the times, in milliseconds, and the publishes a second.
 *
 * @param {(data: object) => PromiseLike<unknown>} publish
 * @param {{ count: number, inFlight: number }} how
 */
export async function publishAll(publish, { count, inFlight }) {
  const times = new Float64Array(count);
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const at = next;
      next += 1;
      const since = performance.now();
      await publish(dataOf(at));
      times[at] = performance.now() - since;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const rate = (count * 1000) / (performance.now() - began);
  return { p50: times.sort()[count >> 1] ?? 0, rate };
}

/**
 * Publishes so many a second, whether earlier ones are answered or not. Resolves when all are.
 *
 * @param {(data: object) => PromiseLike<unknown>} publish
 * @param {{ count: number, perSecond: number }} how
 */
export async function publishAtRate(publish, { count, perSecond }) {
  const began = performance.now();
  /** @type {PromiseLike<unknown>[]} */
  const all = [];
  for (let at = 0; at < count; at += 1) {
    const due = began + (at * 1000) / perSecond;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    all.push(publish(dataOf(at)));
  }
  await Promise.all(all);
}
