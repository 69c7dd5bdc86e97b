/** @type {[string, string]} */
const session = ['session', 'sessions'];
const arriving = /** @type {const} */ ({ work: 'arrivals', sessions: 5000 });

/** @type {readonly import('./index.js').Scenario[]} */
export const arrivals = [
  {
    id: 'H1ws',
    group: 'H1',
    title: 'handshake, subscribe and first connect on a new WebSocket each, 64 at once',
    unit: session,
    compare: ['rate'],
    load: arriving,
    ceiling: 'sketch',
    goal: { faye: { rate: 1.5 } },
  },
  {
    id: 'H1lp',
    group: 'H1',
    title: 'handshake, subscribe and first connect by long-polling on a new connection each, 64 at once',
    unit: session,
    compare: ['rate'],
    load: { ...arriving, transport: 'long-polling' },
    goal: { faye: { rate: 1.4 } },
  },
];
