import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { nowUs } from './clock.js';

/** The unit of CPU time in `/proc`: a hundredth of a second, independent of the kernel's own tick. */
const TICK_US = 10_000;

/**
 * CPU time of another process, all threads. Without `/proc` the process has to be asked, and a busy one
 * answers late.
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

/** CPU time of this process. @returns {Usage} */
export function ownUsage() {
  const { user, system } = process.cpuUsage();
  return { at: nowUs(), cpu: user + system };
}

/** Busy time of all cores since the machine started. Microseconds. */
export function machineBusy() {
  let ms = 0;
  for (const { times } of cpus()) ms += times.user + times.nice + times.sys + times.irq;
  return ms * 1000;
}
