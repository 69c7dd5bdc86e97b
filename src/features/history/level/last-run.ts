import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Tolerance for the start time of the system, which seems to move when the clock is set. Milliseconds. */
const DRIFT = 60_000;

/** A process that has the history open, or had it open. */
export interface Run {
  /** Whether the process closed the history. */
  readonly closed: boolean;
  /** Whether each event was on the disk before its publish was answered. */
  readonly sync: boolean;
  /** The boot id of the system; empty on a system without one. */
  readonly boot: string;
  /** Approximate start time of the system. Epoch milliseconds. */
  readonly since: number;
}

/** The run that begins now. */
export function thisRun(sync: boolean): Run {
  return { closed: false, sync, boot: bootId(), since: Math.round(Date.now() - uptime() * 1000) };
}

/** Whether writes of the last run may not have reached the disk. Only a crash of the whole system causes that. */
export function mayHaveLost(last: Run, now: Run): boolean {
  if (last.closed || last.sync) return false;
  return last.boot === '' ? Math.abs(last.since - now.since) > DRIFT : last.boot !== now.boot;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return ''; // This system has no boot id; `since` is nearly as good.
  }
}
