/** An event as a callback of a subscription heard it. */
export interface Heard {
  readonly pattern: string;
  readonly channel: string;
  readonly data: unknown;
}

/** One client of any make, driven alike. Every promise settles by the client's own callbacks. */
export interface Driver {
  /** Handshakes, and resolves when the client counts as connected. */
  open(): Promise<void>;
  /** The connection type in use. */
  transport(): string | Promise<string>;
  subscribe(pattern: string): Promise<void>;
  unsubscribe(pattern: string): Promise<void>;
  publish(channel: string, data: unknown): Promise<void>;
  /** Publishes all in one go, as the client's own batch. */
  batch(messages: readonly (readonly [channel: string, data: unknown])[]): Promise<void>;
  /** Everything heard so far, in order. */
  heard(): Heard[] | Promise<Heard[]>;
  /** Successful handshakes so far. */
  handshakes(): number | Promise<number>;
  /** Whether it has given up for good: it disconnected, or was told to stop. */
  stopped(): boolean | Promise<boolean>;
  close(): Promise<void>;
}
