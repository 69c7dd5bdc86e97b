/**
 * A server to measure. `dialect` is its protocol: Bayeux; `raw`, which sends each message to all sockets; or
 * `echo`, which returns each body.
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
  // Not over WebSocket, where Express takes no part.
  bare: {
    label: 'bayeuxd on bare http',
    script: './servers/bayeuxd-bare.js',
    dialect: 'bayeux',
    transports: ['long-polling'],
  },
  // Beside an Express app on the same http server.
  attached: {
    label: 'bayeuxd attached, beside Express 5',
    script: './servers/bayeuxd-attached.js',
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

/** Ceilings: minimal servers, mostly without Bayeux. A scenario names the one to compare with. @type {Record<string, ServerKind>} */
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
