const LOWEST = 50;
const HIGHEST = 2000;

/** How long to wait before the next attempt: between 50 ms and a limit that doubles up to 2 s. `random` is from 0 to 1. Milliseconds. */
export function backoff(failures: number, random: number): number {
  const limit = Math.min(HIGHEST, LOWEST * 2 ** Math.min(failures, 10));
  return LOWEST + random * (limit - LOWEST);
}
