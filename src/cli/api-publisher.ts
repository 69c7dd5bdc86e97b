import { ArgumentError } from './client-error.ts';
import type { LinkOptions } from './link.ts';
import { NodePoster } from './node-poster.ts';
import { problemIn } from './problem-in.ts';
import type { Publication, Publisher } from './session-publisher.ts';

/** Publishes through the HTTP API. */
export class ApiPublisher implements Publisher {
  readonly #poster: NodePoster;

  constructor(url: string, key: string, options: LinkOptions) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new ArgumentError(
        `"${url}" is no http or https address, such as http://127.0.0.1:8000/api/publish`,
      );
    const headers = { ...options.headers, authorization: `Bearer ${key}` };
    this.#poster = new NodePoster(url, { ...options, headers });
  }

  async publish(events: readonly Publication[]): Promise<(string | undefined)[]> {
    const refusals: (string | undefined)[] = [];
    // One at a time, to keep the order of events in a channel.
    for (const { channel, data } of events) {
      const { status, text } = await this.#poster.post(JSON.stringify({ channel, data }));
      refusals.push(status === 200 ? undefined : `the server answered ${status}: ${problemIn(text).detail}`);
    }
    return refusals;
  }

  async close(): Promise<void> {
    this.#poster.close();
  }
}
