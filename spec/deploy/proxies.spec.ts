import { describe, it } from 'vitest';
import { columns } from '../interop/columns.ts';
import { openCometd, openFaye } from '../interop/node-clients.ts';
import { behind, staysIdle } from './behind.ts';
import { proxies } from './proxies.ts';

// CK-6: all CometD clients of this process count as tabs of one browser.
const settings = { maxSessionsPerBrowser: -1, trustProxy: ['loopback'] };

const clients = ['websocket', 'long-polling'].flatMap((transport) => {
  const cometd = async (origin: string) => openCometd('9.0.0', `${origin}/bayeux`, transport);
  const faye = async (origin: string) => openFaye(`${origin}/bayeux`, transport);
  return [
    { client: 'cometd 9.0.0', transport, settings, open: cometd, other: faye },
    { client: 'faye 1.4.3', transport, settings, open: faye, other: cometd },
  ];
});

describe.each(proxies.filter(({ isInstalled }) => isInstalled))('behind $name', (proxy) => {
  const originOf = behind(proxy);

  for (const { open, other, ...row } of clients)
    columns({
      ...row,
      open: async (place) => open(await originOf(place)),
      other: async (place) => other(await originOf(place)),
    });

  it('clients that are idle for three times its timeout keep their clientId', async () => {
    await Promise.all(clients.map((client) => staysIdle(proxy, client)));
  });
});
