import { CometD } from '/clients/cometd/cometd.js';
import { EventSourceTransport } from './eventsource.js';

/**
 * Opens a session, and another whenever it is lost. `only` names a transport; if it is empty, the client takes one that works.
 * `on` has functions: `session` for each new session, `open` and `lost` for the connection, `ended` when all has to begin anew.
 */
export function connect({ url, only, identity, on }) {
  const cometd = new CometD();
  const subscriptions = new Map();
  let isClosed = false;
  const unlessClosed =
    (listener) =>
    (...values) =>
      void (isClosed || listener(...values));
  const tell = unlessClosed((name, ...values) => on[name](...values));

  cometd.configure({ url, logLevel: 'warn', maxBackoff: 5_000 });
  cometd.registerTransport('eventsource', new EventSourceTransport(tell));
  const wanted = only === '' ? ['websocket', 'long-polling'] : [only];
  for (const type of cometd.getTransportTypes()) if (!wanted.includes(type)) cometd.unregisterTransport(type);

  cometd.addListener('/meta/handshake', ({ successful, error, ext = {} }) =>
    successful ? tell('session', ext) : tell('lost', error),
  );
  cometd.addListener('/meta/connect', ({ successful, error, advice = {} }) => {
    if (!successful) return tell('lost', advice.reconnect === 'none' ? error : undefined);
    tell('open', cometd.getTransport().type, advice['multiple-clients'] ? advice.interval : 0);
  });
  // Messages by callback-polling are URLs, and URLs are logged: no secret goes there.
  cometd.handshake({ ext: only === 'callback-polling' ? {} : identity });

  return {
    /** Hears a service channel, on which the server sends to this session alone: it needs no subscription. */
    hear: (channel, listener) => void cometd.addListener(channel, unlessClosed(listener)),

    /** Resolves with the reply. */
    subscribe(channel, listener, ext = {}) {
      if (subscriptions.has(channel)) cometd.removeListener(subscriptions.get(channel));
      return new Promise((resolve) => {
        const heard = cometd.subscribe(channel, unlessClosed(listener), { ext }, unlessClosed(resolve));
        subscriptions.set(channel, heard);
      });
    },

    unsubscribe(channel) {
      if (subscriptions.has(channel)) cometd.unsubscribe(subscriptions.get(channel));
      subscriptions.delete(channel);
    },

    /** Resolves with the fate of the message: `sent`, `refused`, or `waiting` if it has to be sent again. */
    publish(channel, data) {
      const fateOf = ({ successful, error, failure }) => {
        if (successful) return 'sent';
        // The client opens another session after a 402.
        return failure || !error || error.startsWith('402:') ? 'waiting' : 'refused';
      };
      return new Promise((resolve) => {
        const replied = unlessClosed(resolve);
        cometd.publish(channel, data, (reply) =>
          replied({ fate: fateOf(reply), why: reply.error, ext: reply.ext }),
        );
      });
    },

    close() {
      isClosed = true;
      cometd.disconnect();
    },
  };
}
