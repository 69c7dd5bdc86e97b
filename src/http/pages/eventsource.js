import { LongPollingTransport } from '/clients/cometd/cometd.js';

/** The transport `eventsource` for the CometD client: the client sends by POST, and events come in a stream. */
export class EventSourceTransport extends LongPollingTransport {
  #stream;
  #clientId;
  #tell;

  constructor(tell) {
    super();
    this.#tell = tell;
  }

  transportSend(envelope, request) {
    const [{ channel, clientId }] = envelope.messages;
    if (channel === '/meta/disconnect') this.#stream?.close();
    if (channel !== '/meta/connect' || clientId === this.#clientId)
      return super.transportSend(envelope, request);
    // The first connect of a session waits for the stream.
    this.#open(clientId, () => super.transportSend(envelope, request));
    return true;
  }

  #open(clientId, tried) {
    this.#stream?.close();
    this.#clientId = clientId;
    const stream = new EventSource(`${this.cometd.getURL()}/${clientId}`);
    this.#stream = stream;
    stream.onmessage = ({ data }) => JSON.parse(data).forEach((message) => void this.cometd.receive(message));
    void new Promise((resolve) => {
      for (const type of ['open', 'error']) stream.addEventListener(type, resolve);
    }).then(tried);
    stream.onopen = () => this.#tell('open', 'eventsource', 0);
    // The browser opens a broken stream again, unless the server answered that it does not know the session.
    stream.onerror = () => this.#tell(stream.readyState === EventSource.CLOSED ? 'ended' : 'lost');
  }
}
