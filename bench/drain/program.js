import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { canPin } from '../child.js';
import { WINDOW } from './bounds.js';

const bin = fileURLToPath(new URL('../../bin/bayeuxd.js', import.meta.url));

/** The stock clients of one process share their cookies, so that they count as one browser. */
const flags = ['--port', '0', '--metrics-port', '0', '--drain-window', String(WINDOW)];
const others = ['--max-sessions-per-browser', '-1', '--log-format', 'json'];

/** The program, with its metrics. */
export class Program {
  #child;
  #log = '';
  port = 0;
  metrics = '';
  /** Its exit code. @type {Promise<number | null>} */
  exited;

  constructor() {
    const node = [process.execPath, bin, ...flags, ...others];
    const [command = '', ...args] = canPin ? ['taskset', '-c', '0', ...node] : node;
    this.#child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr.on('data', (chunk) => {
      this.#log += chunk;
      const listening = this.lines.find(({ event }) => event === 'listening');
      if (listening === undefined) return;
      this.port = Number(new URL(listening.url).port);
      this.metrics = listening.metrics;
    });
    this.exited = once(this.#child, 'close').then(([code]) => code);
  }

  /** The lines of its log. @returns {any[]} */
  get lines() {
    return this.#log
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.#child.kill(signal);
  }

  async isReady() {
    if (this.port === 0) return false;
    try {
      return (await fetch(`${this.metrics}/readyz`)).ok;
    } catch {
      return false;
    }
  }

  /** The value of a metric, summed over its labels. @param {string} name */
  async metric(name) {
    const text = await (await fetch(`${this.metrics}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}
