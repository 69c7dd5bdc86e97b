/** Waits, turn by turn of the event loop, until the condition holds. Fails after two real seconds, saying what was waited for. */
export async function until(condition: () => boolean, what: string = condition.toString()): Promise<void> {
  const end = performance.now() + 2000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`this never came true: ${what}`);
    await turn();
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** A few turns: what was set going in this process has taken effect, sockets aside. */
export async function settle(turns = 3): Promise<void> {
  for (let at = 0; at < turns; at += 1) await turn();
}
