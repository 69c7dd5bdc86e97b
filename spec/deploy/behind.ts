import { expect, onTestFinished } from 'vitest';
import type { Extension, ServerSettings } from '../../src/index.ts';
import { close, hears, session, waits } from '../interop/columns.ts';
import type { Driver } from '../interop/driver.ts';
import { type Hosting, host, type Place } from '../interop/host.ts';
import { type ProxyProgram, proxyFor } from './proxies.ts';

/** The address of a host behind a proxy of its own, which is started when it is first asked for. */
export function behind(proxy: ProxyProgram): (place: Hosting) => Promise<string> {
  const origins = new WeakMap<Hosting, Promise<string>>();
  return (place) => {
    const origin = origins.get(place) ?? proxyFor(proxy, place.origin).then(({ origin }) => origin);
    origins.set(place, origin);
    return origin;
  };
}

/** One client that is to be idle. */
export interface Idler {
  readonly transport: string;
  readonly settings: ServerSettings;
  readonly place?: Place;
  /** Makes the client of a server at this address. */
  open(origin: string): Driver | Promise<Driver>;
}

/** What the proxy is set to. Seconds. */
const CUTS_AFTER = 1;
/** What the defaults are divided by, so that they are to this proxy as they are to one that cuts after 75 seconds. */
const FASTER = 75;
const TIMEOUT = 30_000 / FASTER;

/** Lets a client be idle for three times the timeout of the proxy. Checks that nothing of it is cut, and that it still hears. */
export async function staysIdle(proxy: ProxyProgram, { transport, settings, place: where, open }: Idler) {
  let connects = 0;
  const heartbeats: Extension = {
    name: 'heartbeats',
    incoming(message) {
      if (message.kind === 'connect') connects += 1;
      return message;
    },
  };
  const times = {
    timeout: TIMEOUT,
    websocket: { pingInterval: 25_000 / FASTER },
    eventSource: { ping: 10_000 / FASTER },
  };
  const place = await host({ ...settings, ...times, extensions: [heartbeats] }, where);
  const { origin, log } = await proxyFor(proxy, place.origin, proxy.cutsAfter(CUTS_AFTER));
  const client = await open(origin);
  onTestFinished(() => close(client));
  await client.open();
  await client.subscribe('/news');
  await waits(place.server, transport);

  const { id, push } = session(place.server);
  const [since, before] = [performance.now(), connects];
  const enough = (3 * CUTS_AFTER * 1000) / TIMEOUT + 1;
  await expect.poll(() => connects - before, { timeout: 20_000 }).toBeGreaterThan(enough);
  expect(performance.now() - since).toBeGreaterThan(3 * CUTS_AFTER * 1000);
  expect(session(place.server).id).toBe(id);
  expect(session(place.server).push).toBe(push);
  expect(await client.handshakes()).toBe(1);
  expect(log()).not.toMatch(/\/bayeux"? 50\d /);
  await place.server.publish('/news', 'late');
  await hears(client, [['/news', '/news', 'late']]);
}
