import type { Dial } from './line.ts';

/** What is used of a client of ioredis, 5.11 or 6. */
export interface IoRedisClient {
  readonly options?: object | undefined;
  duplicate(override?: object): IoRedisClient;
  connect(): Promise<unknown>;
  call(command: string, args: string[]): Promise<unknown>;
  disconnect(): void;
  on(event: string, listener: (error?: Error) => void): unknown;
}

/**
 * Opens lines with the options of a client of ioredis, and others in their place. The client itself is not used: lines never reconnect or
 * repeat a command.
 */
export function ioRedis(client: IoRedisClient, others: object = {}): Dial {
  return async ({ lost, signal }, address) => {
    const one = client.duplicate({
      ...others,
      lazyConnect: true,
      protocol: 2,
      ...(address && { ...address, path: null, sentinels: null }),
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
      reconnectOnError: null,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      commandTimeout: undefined,
      socketTimeout: undefined,
      blockingTimeout: undefined,
      maxRetriesPerRequest: 0,
    });
    let last = new Error('the connection to Redis ended');
    // The library tells the reason here, and the end with `close`.
    one.on('error', (error) => {
      last = error ?? last;
    });
    one.on('close', () => lost(last));
    const destroy = (): void => one.disconnect();
    signal.addEventListener('abort', destroy, { once: true });
    await one.connect();
    return { send: ([command = '', ...args]) => one.call(command, args), destroy };
  };
}
