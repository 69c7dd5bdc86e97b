import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Server } from '../../dist/index.js';
import { serve } from '../servers/serve.js';
import { GRACE } from './bounds.js';

const { MODE: mode = 'off' } = process.env;
const presence = mode === 'off' ? false : { mode: mode === 'total' ? 'total' : 'full', grace: GRACE };

const server = new Server({
  // What idle clients cost is not measured here: no connect is answered, and no ping sent.
  timeout: 3_600_000,
  websocket: { pingInterval: 3_600_000 },
  channels: { '/room': { presence } },
  limits: { handshakes: 0, handshakesPerAddress: 0 },
  policy: { canHandshake: ({ message }) => ({ allow: true, user: String(message.ext?.user) }) },
  log: () => {},
});
const httpServer = createServer();
server.attach(httpServer, { path: '/bayeux' });
await server.open();

// A finer one would be a part of what is measured.
const RESOLUTION = 20;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
let cpu = process.cpuUsage();
let began = performance.now();

serve(httpServer, {
  begin() {
    delay.enable();
    cpu = process.cpuUsage();
    began = performance.now();
  },
  result() {
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    return {
      share: (user + system) / 1000 / (performance.now() - began),
      p99: delay.percentile(99) / 1e6 - RESOLUTION,
      sessions: server.usage.sessions,
      bytes: server.presenceBytes,
      heap: process.memoryUsage().heapUsed,
    };
  },
});
