import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { nowUs } from './clock.js';

/** Linux counts in hundredths of a second, whatever the kernel's own tick. */
const TICK_US = 10_000;

/**
 * CPU of another process, all its threads. Where there is no `/proc`, it has to be asked, and a busy one answers late.
 *
 * @param {number} pid
 * @param {() => Promise<Usage>} ask
 * @returns {Promise<Usage>}
 *
 * @typedef {{ at: number, cpu: number }} Usage Microseconds.
 */
export async function usageOf(pid, ask) {
  if (process.platform !== 'linux') return ask();
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { at: nowUs(), cpu: (Number(fields[11]) + Number(fields[12])) * TICK_US };
}

/** CPU of this process. @returns {Usage} */
export function ownUsage() {
  const { user, system } = process.cpuUsage();
  return { at: nowUs(), cpu: user + system };
}

/** Microseconds that all cores were busy since the machine started. */
export function machineBusy() {
  let ms = 0;
  for (const { times } of cpus()) ms += times.user + times.nice + times.sys + times.irq;
  return ms * 1000;
}
