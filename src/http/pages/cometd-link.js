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
export function joinByCometd({ mount, room, only, token, position, on }) {
  const cometd = new CometD();
  cometd.configure({ url: mount, logLevel: 'warn', maxBackoff: 5_000 });
  if (only !== '') {
    cometd.unregisterTransports();
    cometd.registerTransport(only, new transports[only]());
  }

  let isHistoryDenied = false;
  const subscribe = () => {
    cometd.clearSubscriptions();
    const ext = isHistoryDenied ? {} : { replay: { [room]: position() } };
    cometd.subscribe(room, on.message, { ext }, (reply) => {
      if (!reply.successful && reply.error?.endsWith(':replay_id_invalid')) {
        on.gap();
        subscribe();
      } else if (!reply.successful && reply.error?.endsWith(':history_denied')) {
        isHistoryDenied = true;
        subscribe();
      } else if (reply.successful) on.subscribed(reply.ext?.replay?.[room] !== undefined);
      else if (reply.error !== undefined) on.refused(reply.error);
    });
  };

  cometd.addListener('/meta/handshake', (reply) => {
    if (reply.successful) subscribe();
    else if (reply.error !== undefined) on.denied(reply.error);
    else on.lost();
  });
  cometd.addListener('/meta/connect', ({ successful, advice, error }) => {
    if (!successful && advice?.reconnect === 'none' && error !== undefined) on.denied(error);
    else if (!successful) on.lost();
    else on.open(cometd.getTransport().type, advice?.['multiple-clients'] ? advice.interval : 0);
  });
  cometd.registerExtension('token', {
    // Without a transport of its own choice the client may fall back to callback-polling, whose messages are URLs.
    outgoing: (message) =>
      token !== null &&
      message.channel === '/meta/handshake' &&
      cometd.getTransport()?.type !== 'callback-polling'
        ? { ...message, ext: { ...message.ext, auth: { token } } }
        : message,
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
