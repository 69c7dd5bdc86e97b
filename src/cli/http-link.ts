import { ClientError } from './client-error.ts';
import { batchOf, type Incoming, type Link, type Outgoing } from './link.ts';
import type { Poster } from './poster.ts';

/** Long-polling. */
export class HttpLink implements Link {
  readonly connectionType = 'long-polling';
  readonly #url: string;
  readonly #poster: Poster;
  readonly #cookies = new Map<string, string>();
  #headers: Readonly<Record<string, string>> = {};

  constructor(url: string, poster: Poster) {
    this.#url = url;
    this.#poster = poster;
  }

  async exchange(batch: readonly Outgoing[], signal?: AbortSignal): Promise<Incoming[]> {
    const { status, cookies, text } = await this.#poster.post(JSON.stringify(batch), this.#headers, signal);
    if (status !== 200) throw new ClientError(`${this.#url} answered ${status} ${firstLine(text)}`.trim());
    for (const cookie of cookies) this.#keep(cookie);
    return batchOf(text, this.#url);
  }

  close(): void {
    this.#poster.close();
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';');
    const at = pair.indexOf('=');
    this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    this.#headers = { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  }
}

const firstLine = (text: string) => text.split('\n', 1)[0]?.slice(0, 100) ?? '';
