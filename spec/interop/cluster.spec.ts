import type { ServerSettings } from '../../src/index.ts';
import { clusterHost } from '../support/cluster.ts';
import { columns } from './columns.ts';
import type { Place } from './host.ts';
import { openCometd, openFaye, openJsforce, type CometdVersion } from './node-clients.ts';

// Three nodes behind a front that sends each request to the next one, so that most requests have to be forwarded.
const settings = { maxSessionsPerBrowser: -1 };
const start = (given?: ServerSettings, { path = '/bayeux' }: Place = {}) => clusterHost(given, { path });
const versions: readonly CometdVersion[] = ['9.0.0', '8.0.11', '7.0.19'];

for (const version of versions) {
  for (const transport of ['websocket', 'long-polling']) {
    columns({
      client: `cometd ${version}, three nodes,`,
      transport,
      settings,
      start,
      open: ({ url }) => openCometd(version, url, transport),
      other: ({ url }) => openFaye(url, transport),
    });
  }
}

// Faye shakes hands by long-polling: its socket mostly opens on another node.
for (const transport of ['websocket', 'long-polling']) {
  columns({
    client: 'faye 1.4.3, three nodes,',
    transport,
    settings:
      transport === 'eventsource' ? { ...settings, transports: ['eventsource', 'long-polling'] } : settings,
    start,
    open: ({ url }) => openFaye(url, transport),
    other: ({ url }) => openCometd('9.0.0', url, 'long-polling'),
  });
}

columns({
  client: 'jsforce 3.10.16, three nodes,',
  transport: 'long-polling',
  settings: { ...settings, transports: ['long-polling', 'callback-polling'] },
  place: { path: '/cometd' },
  start,
  open: ({ origin }) => openJsforce(origin),
  other: ({ url }) => openCometd('9.0.0', url, 'long-polling'),
});
