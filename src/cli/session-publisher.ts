import { Client, type ClientSettings, refusalOf } from './client.ts';
import type { Incoming } from './link.ts';

/** An event to be published. */
export interface Publication {
  readonly channel: string;
  readonly data: unknown;
}

/** Publishes events. */
export interface Publisher {
  /** Gives for each event why it was refused, or nothing. */
  publish(events: readonly Publication[]): Promise<readonly (string | undefined)[]>;
  close(): Promise<void>;
}

/** Publishes as a client of the server. */
export class SessionPublisher implements Publisher {
  readonly #client: Client;
  #isOpen = false;

  constructor(url: string, settings: ClientSettings) {
    this.#client = new Client(url, settings);
  }

  async publish(events: readonly Publication[]): Promise<(string | undefined)[]> {
    if (!this.#isOpen) await this.#open();
    let replies = await this.#client.exchange(events.map((event) => ({ ...event })));
    // A session without a connect lives for some seconds: input may take longer. What was refused so was not published.
    if (replies.some(isSessionGone)) {
      await this.#open();
      const again = events.filter((_, at) => isSessionGone(replies[at] ?? {}));
      const second = await this.#client.exchange(again.map((event) => ({ ...event })));
      replies = replies.map((reply) => (isSessionGone(reply) ? (second.shift() ?? reply) : reply));
    }
    return replies.map((reply) => (reply.successful === true ? undefined : refusalOf(reply)));
  }

  close(): Promise<void> {
    return this.#client.disconnect(AbortSignal.timeout(1_000)).catch(() => undefined); // A server that is gone needs no goodbye.
  }

  async #open(): Promise<void> {
    await this.#client.handshake();
    this.#isOpen = true;
  }
}

/** CometD and bayeuxd say 402, Faye 401. */
function isSessionGone({ successful, error }: Incoming): boolean {
  return successful !== true && /^40[12]:/.test(String(error));
}
