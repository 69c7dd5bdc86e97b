import { createRequire } from 'node:module';
import { CometD } from 'cometd';
import { adapt } from 'cometd-nodejs-client';

const Faye = createRequire(import.meta.url)('faye');

adapt();

/**
 * A client of a library, that resubscribes by itself.
 *
 * @typedef {{ open(): Promise<void>, publish(): void, readonly clientId: string }} Stock
 */

/** @param {string} url @param {string} transport @param {string} channel @returns {Stock} */
export function cometd(url, transport, channel) {
  const client = new CometD();
  for (const type of client.getTransportTypes()) if (type !== transport) client.unregisterTransport(type);
  client.configure({ url, logLevel: 'error' });
  return {
    open: () =>
      new Promise((resolve) => {
        client.handshake(() => {
          client.subscribe(
            channel,
            () => {},
            () => resolve(),
          );
        });
      }),
    get clientId() {
      return client.getStatus() === 'connected' ? client.getClientId() : '';
    },
    publish() {
      if (client.getStatus() === 'connected') client.publish(channel, { text: 'hello' });
    },
  };
}

/** @param {string} url @param {string} transport @param {string} channel @returns {Stock} */
export function faye(url, transport, channel) {
  const client = new Faye.Client(url);
  for (const type of ['websocket', 'eventsource', 'callback-polling', 'cross-origin-long-polling'])
    if (type !== transport) client.disable(type);
  return {
    open: () => client.subscribe(channel, () => {}).then(() => {}),
    get clientId() {
      return client._dispatcher.clientId ?? '';
    },
    publish() {
      client.publish(channel, { text: 'hello' }).then(
        () => {},
        () => {},
      );
    },
  };
}
