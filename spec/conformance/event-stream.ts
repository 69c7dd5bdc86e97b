import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as plain,
} from 'node:http';
import { request as secure } from 'node:https';
import { Arrivals } from './arrivals.ts';

/** An EventSource request: its answer, and the lines that follow while it stays open. */
export class EventStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly lines = new Arrivals<string>();
  readonly ended: Promise<void>;
  readonly destroy: () => void;

  private constructor(response: IncomingMessage) {
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    this.destroy = () => response.destroy();
    this.ended = new Promise((resolve) => response.once('close', resolve));
    let rest = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split(/\r?\n/);
      rest = lines.pop() ?? '';
      for (const line of lines) this.lines.push(line);
    });
    response.on('error', () => undefined);
    response.on('close', () => this.lines.end(new Error('the event stream ended')));
  }

  static open(
    url: URL,
    headers: OutgoingHttpHeaders,
    opened: (end: () => void) => void,
  ): Promise<EventStream> {
    const open = url.protocol === 'https:' ? secure : plain;
    const request = open(url, { agent: false, headers: { Accept: 'text/event-stream', ...headers } });
    opened(() => request.destroy());
    request.end();
    return new Promise((resolve, reject) => {
      request.on('error', reject);
      request.once('response', (response) => resolve(new EventStream(response)));
    });
  }
}
