import type { Dial, LineHooks, RedisLine } from './line.ts';

/**
 * Asks all nodes at once, each on a line of its own, and resolves with the first answer: one that is stopped delays nothing. Rejects with all
 * reasons when none answers.
 */
export async function askAny<T>(
  nodes: ReadonlyMap<string, Dial>,
  ask: (line: RedisLine) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const answered = new AbortController();
  const over = AbortSignal.any([signal, answered.signal]);
  const asked = Array.from(nodes, ([name, dial]) => askOne(name, dial, ask, over));
  try {
    return await Promise.any(asked);
  } catch (error) {
    const reasons: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    throw new Error(reasons.map(messageOf).join('; '), { cause: error });
  } finally {
    answered.abort();
  }
}

async function askOne<T>(
  name: string,
  dial: Dial,
  ask: (line: RedisLine) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let lost: LineHooks['lost'] = () => {};
  const isLost = new Promise<never>((_, reject) => {
    lost = reject;
  });
  isLost.catch(() => {});
  try {
    const line = await dial({ lost, signal });
    try {
      return await Promise.race([ask(line), isLost]);
    } finally {
      line.destroy();
    }
  } catch (cause) {
    throw new Error(`${name}: ${messageOf(cause)}`, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
