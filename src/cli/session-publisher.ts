import { Client, type ClientSettings, refusalOf } from './client.ts';
import type { Incoming } from './link.ts';

export interface Publication {
  readonly channel: string;
  readonly data: unknown;
}

export interface Publisher {
  /** Resolves to the refusal of each event; undefined for one that was published. */
  publish(events: readonly Publication[]): Promise<readonly (string | undefined)[]>;
  close(): Promise<void>;
}

/** Publishes with a Bayeux session. */
export class SessionPublisher implements Publisher {
  readonly #client: Client;
  #isOpen = false;

  constructor(url: string, settings: ClientSettings) {
    this.#client = new Client(url, settings);
  }

  async publish(events: readonly Publication[]): Promise<(string | undefined)[]> {
    if (!this.#isOpen) await this.#open();
    let replies = await this.#client.exchange(events.map((event) => ({ ...event })));
    // A session without a connect expires after some seconds. Input may be slower. Refused events were not published.
    if (replies.some(isSessionGone)) {
      await this.#open();
      const again = events.filter((_, at) => isSessionGone(replies[at] ?? {}));
      const second = await this.#client.exchange(again.map((event) => ({ ...event })));
      replies = replies.map((reply) => (isSessionGone(reply) ? (second.shift() ?? reply) : reply));
    }
    return replies.map((reply) => (reply.successful === true ? undefined : refusalOf(reply)));
  }

  close(): Promise<void> {
    // An unreachable server needs no disconnect.
    return this.#client.disconnect(AbortSignal.timeout(1_000)).catch(() => undefined);
  }

  async #open(): Promise<void> {
    await this.#client.handshake();
    this.#isOpen = true;
  }
}

/** CometD and bayeuxd answer with 402, Faye with 401. */
function isSessionGone({ successful, error }: Incoming): boolean {
  return successful !== true && /^40[12]:/.test(String(error));
}
