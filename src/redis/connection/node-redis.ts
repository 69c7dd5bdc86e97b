import type { Dial, RedisLine } from './line.ts';

/** What is used of a client of node-redis: `createClient` of `@redis/client` or `redis`, 5.12 or 6. */
export interface NodeRedisClient {
  readonly options?: { readonly socket?: object | undefined } | undefined;
  duplicate(overrides?: object): NodeRedisClient;
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: (error: Error) => void): unknown;
}

/**
 * Opens lines with the options of a client of node-redis. The client itself is not used: lines never reconnect on their own and are
 * asked in RESP2.
 */
export function nodeRedis(client: NodeRedisClient): Dial {
  return async ({ lost, signal }, address) => {
    const one = client.duplicate({
      RESP: 2,
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      // The parts of the URL are in the other options already.
      ...(address && { url: undefined }),
      socket: { ...client.options?.socket, ...address, reconnectStrategy: false, socketTimeout: undefined },
    });
    one.on('error', lost);
    one.on('end', () => lost(new Error('the connection to Redis ended')));
    const line = lineOf(one);
    signal.addEventListener('abort', () => line.destroy(), { once: true });
    await one.connect();
    return line;
  };
}

function lineOf(client: NodeRedisClient): RedisLine {
  let isOver = false;
  return {
    send: (args) => client.sendCommand(args),
    destroy: () => {
      if (isOver) return;
      isOver = true;
      // It throws for a client whose connection is gone already.
      try {
        client.destroy();
      } catch {}
    },
  };
}
