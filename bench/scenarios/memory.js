/** @type {[string, string]} */
const session = ['session', 'sessions'];
const idling = /** @type {const} */ ({ work: 'idle', sessions: 3000 });

/** @type {readonly import('./index.js').Scenario[]} */
export const memory = [
  {
    id: 'M1ws',
    group: 'M1',
    title: 'memory per idle WebSocket session with one subscription',
    unit: session,
    compare: ['bytes'],
    load: idling,
    goal: { faye: { bytes: 0.92 } },
  },
  {
    id: 'M1lp',
    group: 'M1',
    title: 'memory per idle long-polling session with one subscription and a held connect',
    unit: session,
    compare: ['bytes'],
    load: { ...idling, transport: 'long-polling' },
    goal: { faye: { bytes: 0.9 } },
  },
];
