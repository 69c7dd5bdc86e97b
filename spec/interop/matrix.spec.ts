import { columns } from './columns.ts';
import { type CometdVersion, openCometd, openFaye, openJsforce } from './node-clients.ts';

const versions: readonly CometdVersion[] = ['9.0.0', '8.0.11', '7.0.19'];
// CK-6: all CometD clients of this process count as tabs of one browser.
const settings = { maxSessionsPerBrowser: -1 };

for (const version of versions) {
  for (const transport of ['websocket', 'long-polling']) {
    columns({
      client: `cometd ${version}`,
      transport,
      settings,
      open: ({ url }) => openCometd(version, url, transport),
      other: ({ url }) => openFaye(url, transport),
    });
  }
}

for (const transport of ['websocket', 'long-polling']) {
  columns({
    client: 'faye 1.4.3',
    transport,
    settings,
    open: ({ url }) => openFaye(url, transport),
    other: ({ url }) => openCometd('9.0.0', url, transport),
  });
}

columns({
  client: 'jsforce 3.10.16',
  transport: 'websocket',
  settings,
  place: { path: '/cometd' },
  open: ({ origin }) => openJsforce(origin),
  other: ({ url }) => openCometd('9.0.0', url, 'long-polling'),
});

columns({
  client: 'jsforce 3.10.16',
  transport: 'long-polling',
  settings: { ...settings, transports: ['long-polling', 'callback-polling'] }, // as Salesforce has it
  place: { path: '/cometd' },
  open: ({ origin }) => openJsforce(origin),
  other: ({ url }) => openCometd('9.0.0', url, 'long-polling'),
});
