import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** How far the time of a start may seem to move when a clock is set. Milliseconds. */
const DRIFT = 60_000;

/** How a process has the history open, or had. */
export interface Run {
  /** Whether it closed it. */
  readonly closed: boolean;
  /** Whether everything it wrote was on the disk before it was answered. */
  readonly sync: boolean;
  /** The name the system gave itself when it started; empty where it does not. */
  readonly boot: string;
  /** When the system started, about. Epoch milliseconds. */
  readonly since: number;
}

/** The run that begins now. */
export function thisRun(sync: boolean): Run {
  return { closed: false, sync, boot: bootId(), since: Math.round(Date.now() - uptime() * 1000) };
}

/** Whether what the last run wrote may have been lost on its way to the disk: only the fall of the whole system does that. */
export function mayHaveLost(last: Run, now: Run): boolean {
  if (last.closed || last.sync) return false;
  return last.boot === '' ? Math.abs(last.since - now.since) > DRIFT : last.boot !== now.boot;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // Not on this system; the time of its start tells nearly as well.
  }
}
