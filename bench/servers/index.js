/**
 * The servers the bench knows. `dialect` says what the load speaks to them: Bayeux; `raw`, where whatever a socket sends
 * goes to every socket; or `echo`, where a body comes back.
 *
 * @typedef {object} ServerKind
 * @property {string} label
 * @property {string} script Relative to bench/.
 * @property {'bayeux' | 'raw' | 'echo'} dialect
 * @property {readonly string[]} transports
 */

/** @type {Record<string, ServerKind>} */
export const servers = {
  bayeuxd: {
    label: 'bayeuxd in Express 5',
    script: './servers/bayeuxd.js',
    dialect: 'bayeux',
    transports: ['websocket', 'long-polling'],
  },
  // Over WebSocket there is no difference: Express is not asked.
  bare: {
    label: 'bayeuxd on bare http',
    script: './servers/bayeuxd-bare.js',
    dialect: 'bayeux',
    transports: ['long-polling'],
  },
  before: {
    label: 'bayeuxd, the other build',
    script: './servers/bayeuxd.js',
    dialect: 'bayeux',
    transports: ['websocket', 'long-polling'],
  },
  faye: {
    label: 'Faye 1.4.3',
    script: './servers/faye.js',
    dialect: 'bayeux',
    transports: ['websocket', 'long-polling'],
  },
  cometd: {
    label: 'cometd-nodejs-server 1.2.1',
    script: './servers/cometd.js',
    dialect: 'bayeux',
    transports: ['long-polling'],
  },
};

/** What is in the way even without Bayeux; a scenario names the one it is held against. @type {Record<string, ServerKind>} */
export const ceilings = {
  prebuilt: {
    label: 'ceiling: one prebuilt frame, one write each',
    script: './servers/prebuilt.js',
    dialect: 'raw',
    transports: ['websocket'],
  },
  deflated: {
    label: 'no Bayeux: each frame compressed for each client',
    script: './servers/deflated.js',
    dialect: 'raw',
    transports: ['websocket'],
  },
  sketch: {
    label: 'ceiling: the least that speaks Bayeux',
    script: './servers/sketch.js',
    dialect: 'bayeux',
    transports: ['websocket'],
  },
  echo: {
    label: 'ceiling: bare http echo',
    script: './servers/echo.js',
    dialect: 'echo',
    transports: ['long-polling'],
  },
};
