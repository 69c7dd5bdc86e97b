/** @type {[string, string]} */
const delivery = ['delivery', 'deliveries'];
/** @type {[string, string]} */
const publish = ['publish', 'publishes'];
const polling = /** @type {const} */ ({ transport: 'long-polling' });

/** @type {readonly import('./index.js').Scenario[]} */
export const longPolling = [
  {
    id: 'L1',
    group: 'L1',
    title: '1 publisher, 200 long-polling subscribers, 32 in flight',
    unit: delivery,
    compare: ['rate'],
    load: { ...polling, subscribers: 200 },
    goal: { faye: { rate: 1.6 } },
  },
  {
    id: 'L6',
    group: 'L6',
    title: '20 publishes a second to 50 long-polling subscribers: latency',
    unit: delivery,
    compare: ['p50', 'p99'],
    load: { ...polling, subscribers: 50, rate: 20 },
  },
  {
    id: 'L2b1',
    group: 'L2',
    title: 'publishes over HTTP, 32 publishers, one message in a request',
    unit: publish,
    compare: ['rate'],
    load: { ...polling, publishers: 32 },
    ceiling: 'echo',
    goal: { faye: { rate: 1.3 }, ceiling: { rate: 0.7 } },
  },
  {
    id: 'L2b10',
    group: 'L2',
    title: 'publishes over HTTP, 32 publishers, ten messages in a request',
    unit: publish,
    compare: ['rate'],
    load: { ...polling, publishers: 32, batch: 10, window: 320 },
    ceiling: 'echo',
    goal: { faye: { rate: 1.8 } },
  },
];
