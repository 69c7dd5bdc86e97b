import {
  CallbackPollingTransport,
  CometD,
  LongPollingTransport,
  WebSocketTransport,
} from '/clients/cometd/cometd.js';

const transports = {
  websocket: WebSocketTransport,
  'long-polling': LongPollingTransport,
  'callback-polling': CallbackPollingTransport,
};

/** Joins the room by the CometD client: with one transport, or with whichever works when `only` is empty. */
export function joinByCometd({ mount, room, only, position, on }) {
  const cometd = new CometD();
  cometd.configure({ url: mount, logLevel: 'warn', maxBackoff: 5_000 });
  if (only !== '') {
    cometd.unregisterTransports();
    cometd.registerTransport(only, new transports[only]());
  }

  const subscribe = () => {
    cometd.clearSubscriptions();
    const ext = { replay: { [room]: position() } };
    cometd.subscribe(room, on.message, { ext }, (reply) => {
      if (!reply.successful && reply.error?.endsWith(':replay_id_invalid')) {
        on.gap();
        subscribe();
      } else if (reply.successful) on.subscribed(reply.ext?.replay?.[room] !== undefined);
      else if (reply.error !== undefined) on.refused(reply.error);
    });
  };

  cometd.addListener('/meta/handshake', (reply) => {
    if (reply.successful) subscribe();
    else on.lost(reply.error);
  });
  cometd.addListener('/meta/connect', ({ successful, advice }) => {
    if (!successful) on.lost();
    else on.open(cometd.getTransport().type, advice?.['multiple-clients'] ? advice.interval : 0);
  });
  cometd.handshake();

  return {
    publish(data, done) {
      cometd.publish(room, data, ({ successful, error, failure }) => {
        if (successful) done('sent');
        // The client shakes hands again after a 402, and the message is sent then.
        else if (failure !== undefined || error === undefined || error.startsWith('402:')) done('waiting');
        else done('refused', error);
      });
    },
    close: () => cometd.disconnect(),
  };
}
