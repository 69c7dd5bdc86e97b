import { LongPollingTransport } from '/clients/cometd/cometd.js';

/** The transport `eventsource` for the CometD client: the client sends by POST, and events come in a stream. */
export class EventSourceTransport extends LongPollingTransport {
  #stream;
  #onBreak;

  /** `onBreak` is called when the stream breaks: the application then opens a new session. */
  constructor(onBreak) {
    super();
    this.#onBreak = onBreak;
  }

  transportSend(envelope, request) {
    const [{ channel, clientId }] = envelope.messages;
    if (channel === '/meta/connect') this.#stream ??= this.#open(clientId);
    return super.transportSend(envelope, request);
  }

  #open(clientId) {
    const stream = new EventSource(`${this.cometd.getURL()}/${clientId}`);
    stream.onmessage = ({ data }) => {
      for (const message of JSON.parse(data)) this.cometd.receive(message);
    };
    stream.onerror = this.#onBreak;
    return stream;
  }

  /** The client calls this before each new session. */
  reset(isFirst) {
    super.reset(isFirst);
    this.#stream?.close();
    this.#stream = undefined;
  }
}
