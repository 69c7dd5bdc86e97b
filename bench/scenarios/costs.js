/** @type {[string, string]} */
const delivery = ['delivery', 'deliveries'];
/** @type {[string, string]} */
const publish = ['publish', 'publishes'];

/** The loads under which features are measured. @type {Record<string, Pick<import('./index.js').Scenario, 'title' | 'unit' | 'load'>>} */
const loads = {
  W1: { title: '1,000 WebSocket subscribers, 32 in flight', unit: delivery, load: { subscribers: 1000 } },
  W1w1: {
    title: '1,000 WebSocket subscribers, 1 in flight',
    unit: delivery,
    load: { subscribers: 1000, window: 1 },
  },
  P2: {
    title: 'publishes over WebSocket, 32 publishers with 8 in flight each, no subscribers',
    unit: publish,
    load: { publishers: 32, window: 256 },
  },
  P5k: {
    title: '5,000 publishes a second over WebSocket to 4 subscribers',
    unit: delivery,
    load: { publishers: 32, subscribers: 4, rate: 5000 },
  },
  W1M: {
    title: '200 publishers, 1,000 publishes a second, 1,000 WebSocket subscribers',
    unit: delivery,
    load: { publishers: 200, subscribers: 1000, rate: 1000 },
  },
  W6: {
    title: '50 publishes a second to 200 WebSocket subscribers',
    unit: delivery,
    load: { subscribers: 200, rate: 50 },
  },
  L1: {
    title: '200 long-polling subscribers, 32 in flight',
    unit: delivery,
    load: { transport: 'long-polling', subscribers: 200 },
  },
};

/** The features, and the loads in which each takes part. @type {Record<string, { title: string, under: readonly string[], feature: Partial<import('./index.js').Load>, without?: Partial<import('./index.js').Load>, goal?: Record<string, number> }>} */
const features = {
  ack: { title: 'clients that acknowledge', under: ['W1', 'W1w1', 'L1'], feature: { speaks: 'ack' } },
  timesync: {
    title: 'clients that synchronise time',
    under: ['W1w1', 'L1'],
    feature: { speaks: 'timesync' },
  },
  timestamp: {
    title: 'a timestamp on every message',
    under: ['W1', 'W1w1', 'P2'],
    feature: { feature: 'timestamp' },
  },
  binary: { title: 'binary events', under: ['W1', 'W1w1', 'P2'], feature: { speaks: 'binary' } },
  resend: {
    title: "redelivery: 'resend'",
    under: ['W1', 'W1w1', 'L1'],
    feature: { feature: 'resend' },
  },
  schema: { title: 'a rule with a schema', under: ['W1w1', 'P2'], feature: { feature: 'schema' } },
  overflow: {
    title: 'a rule for overflow, nothing dropped',
    under: ['W1', 'W1w1', 'P2'],
    feature: { feature: 'overflow' },
  },
  conflate: {
    title: 'a rule that conflates, each event with a key of its own',
    under: ['W1', 'W1w1'],
    feature: { feature: 'conflate' },
  },
  history: {
    title: 'history in memory',
    under: ['W1', 'W1w1', 'P2'],
    feature: { feature: 'history' },
  },
  durable: { title: 'durable history', under: ['W1', 'W1w1', 'P2'], feature: { feature: 'durable' } },
  sync: { title: 'durable history, synced', under: ['W1', 'W1w1', 'P2'], feature: { feature: 'sync' } },
  policy: { title: 'a policy that answers at once', under: ['W1w1', 'P2'], feature: { feature: 'policy' } },
  auth: {
    title: 'authentication, with a rule that grants the channel',
    under: ['W1', 'P2'],
    feature: { feature: 'auth' },
    goal: { cpu: 1.05 },
  },
  metrics: {
    title: 'metrics, read once a second',
    under: ['W1', 'W1w1', 'P2', 'L1'],
    feature: { feature: 'metrics' },
    goal: { cpu: 1.02 },
  },
  journal: {
    title: 'the journal',
    under: ['P5k', 'W1', 'W1w1', 'P2', 'L1'],
    feature: { feature: 'journal' },
    goal: { cpu: 1.05 },
  },
  rates: { title: 'rates of publishes and bytes', under: ['W1w1', 'P2'], feature: { feature: 'rates' } },
  looks: {
    title: 'an extension that looks at publishes',
    under: ['W1w1', 'P2'],
    feature: { feature: 'looks' },
  },
  both: {
    title: 'a policy that answers at once and an extension that looks at publishes',
    under: ['W1w1'],
    feature: { feature: 'both' },
    goal: { cpu: 1.1 },
  },
  delay1: { title: 'writeDelay: 1', under: ['W1M'], feature: { feature: 'delay1' } },
  delay5: { title: 'writeDelay: 5', under: ['W1M', 'W6'], feature: { feature: 'delay5' } },
  delay20: { title: 'writeDelay: 20', under: ['W1M'], feature: { feature: 'delay20' } },
  deflate: {
    title: 'compression, events of 1,000 bytes',
    under: ['W1', 'W1w1'],
    feature: { feature: 'deflate', speaks: 'deflate', size: 1000 },
    without: { speaks: '' },
  },
};

/** The cost of each feature that is turned on. Run only with `--scenario cost` or the name of a feature. */
export const costs = Object.entries(features).flatMap(([name, { title, under, feature, without, goal }]) =>
  under.map((id) => {
    const { load, ...rest } = /** @type {import('./index.js').Scenario} */ (loads[id]);
    return /** @type {import('./index.js').Scenario} */ ({
      ...rest,
      id: `${name}-${id}`,
      group: name,
      title: `${title}: ${rest.title}`,
      family: 'cost',
      servers: ['bayeuxd'],
      compare: ['cpu', 'rate'],
      load: { ...load, ...feature },
      own: { title: 'without', load: { feature: '', speaks: '', ...without } },
      ...(name === 'deflate' && { ceiling: 'deflated' }),
      ...(goal && { goal: { own: goal } }),
    });
  }),
);
