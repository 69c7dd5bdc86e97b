import type { ServerSettings } from '../../src/index.ts';
import { clusterHost, type StartNodes } from '../support/cluster.ts';
import { columns } from './columns.ts';
import type { Place } from './host.ts';
import { openCometd, openFaye, openJsforce, type CometdVersion } from './node-clients.ts';

const settings = { maxSessionsPerBrowser: -1 };
const versions: readonly CometdVersion[] = ['9.0.0', '8.0.11', '7.0.19'];

/** What clients must be able to do where a front sends each request to the next node, so that most requests have to be forwarded. */
export function clusterRows(startNodes?: StartNodes): void {
  const start = (given?: ServerSettings, place: Place = {}) =>
    clusterHost(given, { ...place, ...(startNodes && { startNodes }) });

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
}
