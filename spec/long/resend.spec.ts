import { describe } from 'vitest';
import { everyClientHears } from '../extensions/cut-clients.ts';

describe.each(['long-polling', 'websocket'] as const)(
  'with replies sent again, over %s, while 1 response in 20 is cut short',
  (transport) => {
    everyClientHears(transport, { events: 10_000, block: 25, share: 0.05 });
  },
);
