import { describe } from 'vitest';
import { openAiocometd } from './aiocometd-driver.ts';
import { columns } from './columns.ts';
import { openCometd, openFaye } from './node-clients.ts';
import { isReady, version } from './python/clients.js';

describe.skipIf(!isReady())('in Python (without Python 3 and pip skipped: npm run setup)', () => {
  for (const transport of ['websocket', 'long-polling'])
    columns({
      client: `aiocometd ${version}`,
      transport,
      settings: { maxSessionsPerBrowser: -1 },
      open: ({ url }) => openAiocometd(url, transport),
      other: ({ url }) =>
        transport === 'websocket' ? openFaye(url, transport) : openCometd('9.0.0', url, transport),
    });
});
