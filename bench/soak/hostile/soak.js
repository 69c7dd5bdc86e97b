import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pinThreads, startChild } from '../../child.js';
import { sleep } from '../../load/clock.js';
import { HONEST, NOISE, tokenOf } from './tokens.js';

const MINUTE = 60;

/**
 * Honest clients alone, then beside hostile ones, then alone again. The server and both kinds of clients have a
 * process each.
 *
 * @param {number} seconds Beside hostile clients.
 * @returns {Promise<import('./report.js').Result>}
 */
export async function soakHostile(seconds) {
  const secret = randomBytes(32).toString('hex');
  const port = await freePort();
  const [token, stranger, ...badTokens] = await Promise.all([
    tokenOf(secret, 'honest', HONEST),
    tokenOf(secret, 'mallory', NOISE),
    tokenOf(secret, 'late', HONEST, -60),
    tokenOf(randomBytes(32).toString('hex'), 'honest', HONEST),
  ]);
  const unsigned = [Buffer.from('{"alg":"none"}').toString('base64url'), token?.split('.')[1], ''].join('.');
  const settings = { BAYEUXD_PORT: String(port), BAYEUXD_AUTH_SECRET: secret, BAYEUXD_LOG_LEVEL: 'error' };
  const server = startChild('./soak/hostile/server.js', undefined, {}, settings);
  const ofServer = { port, pid: server.pid };
  const hostile = startChild('./soak/hostile/hostile.js', 1, { usage: () => server.ask('usage') });
  const honest = startChild('./soak/hostile/honest.js', 1, {
    usage: () => server.ask('usage'),
    memory: () => server.ask('memory'),
    delay: () => server.ask('delay'),
    attack: ({ honestShare }) =>
      hostile.ask('attack', {
        ...{ ...ofServer, honestShare, token: stranger },
        badTokens: [...badTokens, unsigned, 'x'.repeat(8192)],
      }),
    cease: () => hostile.ask('cease'),
  });
  try {
    await listening(port);
    pinThreads(server.pid, { main: 0, others: 1 });
    return await honest.ask('run', { ...ofServer, token, alone: Math.min(MINUTE, seconds), seconds });
  } finally {
    await Promise.all([server.stop(), hostile.stop(), honest.stop()]);
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Waits until somebody listens. @param {number} port */
async function listening(port) {
  for (let tries = 0; tries < 300; tries++) {
    const socket = connect({ port, host: '127.0.0.1' });
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await sleep(100);
  }
  throw new Error('the server did not start: see above');
}
