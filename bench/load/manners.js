import { HttpConduit } from './http.js';
import { WebSocketConduit } from './websocket.js';

/**
 * How a client of a library reaches the server, and how long it waits after so many failures in a row.
 *
 * @typedef {object} Manners
 * @property {'websocket' | 'long-polling'} transport
 * @property {typeof WebSocketConduit | typeof HttpConduit} Conduit
 * @property {(failures: number) => number} pauseAfter `failures`: those before this one. Milliseconds.
 *
 * @typedef {WebSocketConduit | HttpConduit} Conduit
 */

/** cometd.js tries again at once, and then after one second more each time. @type {Manners} */
export const asCometd = {
  transport: 'websocket',
  Conduit: WebSocketConduit,
  pauseAfter: (failures) => failures * 1_000,
};

/** Faye tries again after 5 s, whatever happened. @type {Manners} */
export const asFaye = { transport: 'long-polling', Conduit: HttpConduit, pauseAfter: () => 5_000 };

/**
 * Opens a connection.
 *
 * @param {Manners} manners
 * @param {{ port: number, path: string }} target
 * @param {{ onText: (text: string) => void, onLost: (conduit: Conduit) => void }} listener
 * @returns {Conduit}
 */
export function reach({ Conduit }, target, { onText, onLost }) {
  const conduit = new Conduit(
    target,
    (bytes, start, end) => onText(bytes.toString('utf8', start, end)),
    () => onLost(conduit),
  );
  return conduit;
}
