import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Arrivals } from './arrivals.ts';
import type { Asked, Wire } from './wire.ts';

/** An EventSource request: its answer, and the lines that follow while it stays open. */
export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly lines = new Arrivals<string>();
  readonly ended: Promise<void>;
  readonly destroy: () => void;

  private constructor({ status, headers, body }: Awaited<Asked['answer']>, destroy: () => void) {
    this.status = status;
    this.headers = headers;
    this.destroy = destroy;
    this.ended = new Promise((resolve) => body.once('close', resolve));
    let rest = '';
    body.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) this.lines.push(line);
    });
    body.on('error', () => undefined);
    body.on('close', () => this.lines.end(new Error('the event stream ended')));
  }

  static async open(
    wire: Wire,
    url: URL,
    headers: OutgoingHttpHeaders,
    opened: (end: () => void) => void,
  ): Promise<EventStream> {
    const { body, answer, abort } = wire.ask(url, 'GET', { Accept: 'text/event-stream', ...headers });
    opened(abort);
    body.end();
    return new EventStream(await answer, abort);
  }
}
