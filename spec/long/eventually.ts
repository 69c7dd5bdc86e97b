import { setTimeout as wait } from 'node:timers/promises';

/** Waits, in real time, until the condition holds: for what takes longer than a spec should. */
export async function eventually(condition: () => boolean, what: string, ms = 60_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`this never came true: ${what}`);
    await wait(1);
  }
}
