const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const steps = [
  [DAY, 'd', HOUR, 'h'],
  [HOUR, 'h', MINUTE, 'm'],
  [MINUTE, 'm', SECOND, 's'],
] as const;

/** A duration as people read it: `45s`, `3m12s`, `2h5m`, `3d4h`. A negative one, from a clock that is behind, is `0s`. */
export function shownDuration(ms: number): string {
  for (const [unit, name, part, partName] of steps) {
    if (ms < unit) continue;
    const rest = Math.floor((ms % unit) / part);
    return `${Math.floor(ms / unit)}${name}${rest === 0 ? '' : `${rest}${partName}`}`;
  }
  return `${Math.max(0, Math.floor(ms / SECOND))}s`;
}
