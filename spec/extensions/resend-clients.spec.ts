import { describe } from 'vitest';
import { everyClientHears } from './cut-clients.ts';

describe.each(['long-polling', 'websocket'] as const)('with replies sent again, over %s', (transport) => {
  describe('while 1 response in 7 is cut short', () => {
    everyClientHears(transport, { events: 200, block: 10, share: 0.15 });
  });

  describe('while nothing is lost, and so nothing is marked', () => {
    everyClientHears(transport, { events: 60, block: 10, share: 0 });
  });
});
