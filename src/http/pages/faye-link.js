/** The Faye client, loaded when it is first asked for. */
let loading;
function loadFaye() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = '/clients/faye/faye-client.js';
    script.onload = () => resolve(window.Faye);
    script.onerror = () => {
      loading = undefined;
      reject(new Error('the Faye client did not load'));
    };
    document.head.append(script);
  });
  return loading;
}

// The Faye client does not say when its event stream breaks or is back, so the page listens to the stream too.
const streamListeners = new Map();
window.EventSource = class extends EventSource {
  constructor(url, options) {
    super(url, options);
    const clientId = new URL(url, location.href).pathname.split('/').at(-1);
    const listener = streamListeners.get(clientId);
    if (listener === undefined) this.close();
    else listener(this);
  }
};

/** Joins the room by the Faye client, which knows EventSource; where that fails the client takes long-polling. */
export function joinByFaye({ mount, room, token, position, on }) {
  let isClosed = false;
  let client;
  let clientId;
  let stream;
  let type = 'long-polling';
  let isHistoryDenied = false;

  const watch = (opened) => {
    let wasOpen = false;
    stream = opened;
    stream.addEventListener('open', () => {
      wasOpen = true;
      if (!isClosed) on.open('eventsource', 0);
    });
    stream.addEventListener('error', () => {
      if (isClosed) return;
      // The server answered that it knows no such session. The client learns it with its next connect only.
      if (wasOpen && opened.readyState === EventSource.CLOSED) on.broken();
      else if (wasOpen) on.lost();
      else stream = undefined;
    });
  };

  const outgoing = (message, pass) => {
    if (isClosed && message.channel !== '/meta/disconnect') return pass(null);
    if (message.channel === '/meta/connect') type = message.connectionType;
    if (message.channel === '/meta/handshake' && token !== null)
      message.ext = { ...message.ext, auth: { token } };
    if (message.channel === '/meta/subscribe' && !isHistoryDenied)
      message.ext = { ...message.ext, replay: { [room]: position() } };
    pass(message);
  };

  const incoming = (message, pass) => {
    const { channel, successful } = message;
    if (channel === '/meta/handshake' && successful) {
      streamListeners.delete(clientId);
      clientId = message.clientId;
      if (isClosed) queueMicrotask(leave);
      else streamListeners.set(clientId, watch);
    }
    if (channel === '/meta/handshake' && !successful && message.error !== undefined) on.denied(message.error);
    if (channel === '/meta/subscribe') answered(message);
    if (channel === '/meta/connect' && successful && stream === undefined) on.open(nameOf(type), 0);
    if (channel === room && message.data !== undefined) on.message(message);
    pass(message);
  };

  const answered = ({ successful, error, ext }) => {
    if (!successful && error?.endsWith(':replay_id_invalid')) {
      on.gap();
      queueMicrotask(subscribe);
    } else if (!successful && error?.endsWith(':history_denied')) {
      isHistoryDenied = true;
      queueMicrotask(subscribe);
    } else if (successful) on.subscribed(ext?.replay?.[room] !== undefined);
    else if (error?.startsWith('402:') === false) on.refused(error);
    if (stream === undefined) on.open(nameOf(type), 0);
  };

  const subscribe = () => client.subscribe(room, () => {});
  const leave = () => client.disconnect();

  loadFaye().then(
    ({ Client }) => {
      if (isClosed) return;
      client = new Client(mount, { retry: 1 });
      client.disable('websocket');
      client.addExtension({ incoming, outgoing });
      client.on('transport:down', () => !isClosed && on.lost());
      subscribe();
    },
    ({ message }) => on.lost(message),
  );

  return {
    publish(data, done) {
      client.publish(room, data, { attempts: 1 }).then(
        () => done('sent'),
        (error) => done(error.code === 402 ? 'waiting' : 'refused', String(error)),
      );
    },
    close() {
      isClosed = true;
      streamListeners.delete(clientId);
      stream?.close();
      client?.disconnect();
    },
  };
}

const nameOf = (type) => (type === 'cross-origin-long-polling' ? 'long-polling' : type);
