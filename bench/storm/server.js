import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Server } from '../../dist/index.js';
import { serve } from '../servers/serve.js';
import { RATE } from './bounds.js';

// All clients of the bench have one address.
const server = new Server({ limits: { handshakes: RATE, handshakesPerAddress: 0 }, log: () => {} });
const httpServer = createServer();
server.attach(httpServer, { path: '/bayeux' });
await server.open();

/** When sessions were opened. Milliseconds. @type {number[]} */
const opened = [];
server.on('session.opened', () => {
  opened.push(performance.now());
});

const RESOLUTION = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
let longest = 0;
const watch = setInterval(() => {
  longest = Math.max(longest, server.waitingHandshakes);
}, 50);
watch.unref();

serve(httpServer, {
  begin() {
    delay.enable();
  },
  result() {
    delay.disable();
    return {
      opened: opened.length,
      most: mostInOneSecond(opened),
      p99: delay.percentile(99) / 1e6 - RESOLUTION,
      max: delay.max / 1e6 - RESOLUTION,
      longest,
      refused: server.refused,
    };
  },
});

/** The most in any second, wherever it begins. @param {readonly number[]} times */
function mostInOneSecond(times) {
  let most = 0;
  let from = 0;
  times.forEach((time, at) => {
    while (/** @type {number} */ (times[from]) <= time - 1_000) from += 1;
    most = Math.max(most, at - from + 1);
  });
  return most;
}
