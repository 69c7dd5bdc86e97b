import { describe } from 'vitest';
import { columns } from '../interop/columns.ts';
import { openCometd, openFaye } from '../interop/node-clients.ts';
import { hasChromium, sharedPage } from './chromium.ts';
import { library, otherSite } from './library.ts';
import { cometdInPage, fayeInPage } from './page-driver.ts';

describe.skipIf(!hasChromium)('in Chromium', () => {
  const elsewhere = otherSite();
  const own = { place: { front: [library] } };
  const foreign = { settings: { origins: (origin: string) => origin === elsewhere.origin } };

  const blank = (origin: string) => sharedPage(`${origin}/blank`);

  for (const version of ['9.0.0', '8.0.11', '7.0.19']) {
    const [major = ''] = version.split('.');
    const other = ({ url }: { url: string }) => openFaye(url, 'websocket');
    for (const transport of ['websocket', 'long-polling']) {
      columns({
        ...own,
        client: `cometd ${version}`,
        transport,
        open: async ({ origin, url }) => cometdInPage(await blank(origin), major, url, transport),
        other,
      });
    }
    columns({
      ...foreign,
      client: `cometd ${version} of another site`,
      transport: 'callback-polling',
      open: async ({ url }) => cometdInPage(await blank(elsewhere.origin), major, url, 'callback-polling'),
      other,
    });
  }

  // Faye takes the first of these that works.
  const order = ['websocket', 'eventsource', 'long-polling', 'cross-origin-long-polling', 'callback-polling'];
  const before = (transport: string) => order.slice(0, order.indexOf(transport));
  const other = ({ url }: { url: string }) => openCometd('9.0.0', url, 'websocket');

  for (const transport of ['websocket', 'eventsource', 'long-polling']) {
    columns({
      ...own,
      // ES-6: the heartbeat of a stream comes once in that time, and with it the news that a session is gone. Faye sends again what was
      // not answered in 1.2 times as long: its second disconnect is refused.
      ...(transport === 'eventsource' && {
        settings: { timeout: 1_000, eventSource: { timeout: 1_000 } },
        startsOver: true,
      }),
      client: 'faye 1.4.3',
      transport,
      open: async ({ origin, url }) => fayeInPage(await blank(origin), url, before(transport)),
      other,
    });
  }
  for (const transport of ['cross-origin-long-polling', 'callback-polling']) {
    columns({
      ...foreign,
      client: 'faye 1.4.3 of another site',
      transport,
      open: async ({ url }) => fayeInPage(await blank(elsewhere.origin), url, before(transport)),
      other,
    });
  }
});
