import { FakeClock } from '../../src/testing/fake-clock.ts';
import { host } from '../interop/host.ts';
import { clientsSpecs } from '../presence/contracts/clients.ts';

/** Time passes in steps, so that Redis keeps up. Milliseconds. */
const STEP = 250;

clientsSpecs('three nodes behind a balancer', async (settings) => {
  const clock = new FakeClock();
  const place = await host({ maxSessionsPerBrowser: -1, ...settings, clock });
  const tick = async (ms: number) => {
    for (let left = ms; left >= 0; left -= STEP) {
      // Done when Redis has it, and what was asked of it before.
      await place.server.publish('/fence', left);
      await clock.tick(Math.min(left, STEP));
    }
  };
  return { url: place.url, server: place.server, clock: { tick } };
});
