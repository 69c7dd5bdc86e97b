/** `drain.window` of the server that ends. Milliseconds. */
export const WINDOW = 30_000;
/** Clients by kind: bare ones pace themselves as the library does; stock ones are the library. */
export const CLIENTS = {
  'bare, as cometd.js over WebSocket': 440,
  'bare, as Faye by long-polling': 440,
  'cometd.js over WebSocket': 30,
  'cometd.js by long-polling': 30,
  'Faye over WebSocket': 30,
  'Faye by long-polling': 30,
};
export const ALL = Object.values(CLIENTS).reduce((sum, count) => sum + count, 0);
/** Clients that read and publish to one channel. */
export const GROUP = 10;
/** Time between two publishes of a client. Milliseconds. */
export const PAUSE = 2_000;
/** Largest share of the clients that may come back in one tenth of the window. */
export const MOST = 0.2;
