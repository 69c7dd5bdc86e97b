import type { Driver, Heard } from './driver.ts';

/** What a Faye client offers, as far as it is used here; Faye brings no types. */
export interface FayeClient {
  connect(connected: () => void): void;
  disconnect(): PromiseLike<void> | undefined;
  subscribe(pattern: string): FayeSubscription;
  publish(channel: string, data: unknown, options?: { attempts?: number }): PromiseLike<void>;
  disable(feature: string): void;
  setHeader(name: string, value: string): void;
  addExtension(extension: FayeClientExtension): void;
  on(event: 'transport:up' | 'transport:down', listener: () => void): void;
  /** Private: the only way to see the transport in use, and to make jsforce's client try again soon. */
  readonly _dispatcher: { readonly connectionType: string; retry: number };
}

interface FayeSubscription extends PromiseLike<void> {
  withChannel(listener: (channel: string, data: unknown) => void): FayeSubscription;
  cancel(): void;
}

interface FayeMessage {
  channel: string;
  successful?: boolean;
  clientId?: string;
  data?: unknown;
  id?: string;
  subscription?: string;
  ext?: Record<string, unknown>;
  advice?: { reconnect?: string };
}

export interface FayeClientExtension {
  incoming?(message: FayeMessage, callback: (message: FayeMessage | null) => void): void;
  outgoing?(message: FayeMessage, callback: (message: FayeMessage | null) => void): void;
}

/** A Faye client. Refers to nothing outside itself, so that a page can run it too. */
export function fayeDriver(client: FayeClient): Driver {
  const heard: Heard[] = [];
  const subscriptions = new Map<string, FayeSubscription>();
  const waiting = new Set<(message: FayeMessage) => void>();
  let handshakes = 0;
  let stopped = false;

  client.addExtension({
    incoming(message, callback) {
      if (message.channel === '/meta/handshake' && message.successful === true) handshakes += 1;
      if (message.advice?.reconnect === 'none') stopped = true;
      callback(message);
      for (const one of waiting) one(message);
    },
  });

  const replyTo = (channel: string): Promise<void> =>
    new Promise((resolve) => {
      const one = (message: FayeMessage): void => {
        if (message.channel !== channel || message.successful === undefined) return;
        waiting.delete(one);
        resolve();
      };
      waiting.add(one);
    });

  return {
    open: () => new Promise((resolve) => client.connect(resolve)),
    transport: () => client._dispatcher.connectionType,
    async subscribe(pattern) {
      const subscription = client
        .subscribe(pattern)
        .withChannel((channel, data) => void heard.push({ pattern, channel, data }));
      subscriptions.set(pattern, subscription);
      await subscription;
    },
    async unsubscribe(pattern) {
      const done = replyTo('/meta/unsubscribe');
      subscriptions.get(pattern)?.cancel();
      subscriptions.delete(pattern);
      await done;
    },
    publish: async (channel, data) => void (await client.publish(channel, data)),
    batch: async (messages) => {
      await Promise.all(messages.map(([channel, data]) => client.publish(channel, data)));
    },
    heard: () => heard,
    handshakes: () => handshakes,
    stopped: () => stopped,
    async close() {
      stopped = true;
      await client.disconnect();
    },
  };
}
