import { describe, it } from 'vitest';
import { behind, staysIdle } from '../deploy/behind.ts';
import { proxies } from '../deploy/proxies.ts';
import { columns } from '../interop/columns.ts';
import { openCometd } from '../interop/node-clients.ts';
import { hasChromium, sharedPage } from './chromium.ts';
import { library, otherSite } from './library.ts';
import { cometdInPage, fayeInPage } from './page-driver.ts';

const runnable = proxies.filter(({ isInstalled }) => isInstalled && hasChromium);

describe.each(runnable)('in Chromium behind $name', (proxy) => {
  const elsewhere = otherSite();
  const originOf = behind(proxy);
  const trustProxy = ['loopback'];
  const clients = [
    {
      client: 'faye 1.4.3',
      transport: 'eventsource',
      startsOver: true,
      settings: { trustProxy, timeout: 300 },
      place: { front: [library] },
      open: async (origin: string) =>
        fayeInPage(await sharedPage(`${origin}/blank`), `${origin}/bayeux`, ['websocket']),
    },
    {
      client: 'cometd 9.0.0 of another site',
      transport: 'callback-polling',
      settings: { trustProxy, origins: (origin: string) => origin === elsewhere.origin },
      open: async (origin: string) =>
        cometdInPage(
          await sharedPage(`${elsewhere.origin}/blank`),
          '9',
          `${origin}/bayeux`,
          'callback-polling',
        ),
    },
  ] as const;

  for (const { open, ...row } of clients) {
    columns({
      ...row,
      open: async (place) => open(await originOf(place)),
      other: async (place) => openCometd('9.0.0', `${await originOf(place)}/bayeux`, 'websocket'),
    });

    it(`${row.client} over ${row.transport}, idle for three times its timeout, keeps its clientId`, () =>
      staysIdle(proxy, { ...row, open }));
  }
});
