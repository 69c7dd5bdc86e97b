/** Names of all keys in Redis. The braces make the namespace the hash slot, so that each script is legal on a Redis Cluster. */
export class Keys {
  /** All keys begin with it. */
  readonly prefix: string;

  /** The namespace must not have braces. */
  constructor(namespace: string) {
    this.prefix = `{${namespace}}:`;
  }

  /** Hash: birth, format, last history id, and more of the whole cluster. Each script gets this key. */
  get meta(): string {
    return `${this.prefix}meta`;
  }

  /** Sorted set: node to the time of its last beat. */
  get nodes(): string {
    return `${this.prefix}nodes`;
  }

  /** Hash: running numbers. */
  get counters(): string {
    return `${this.prefix}c`;
  }

  /** Stream: the mailbox of a node. */
  mailbox(node: string): string {
    return `${this.prefix}in:${node}`;
  }

  /** Stream: what other nodes tell a node, and not its sessions. */
  told(node: string): string {
    return `${this.prefix}to:${node}`;
  }

  /** Set: the nodes that want a pattern. */
  interest(pattern: string): string {
    return `${this.prefix}i:${pattern}`;
  }

  /** Hash: the users on a roster. */
  roster(name: string): string {
    return `${this.prefix}r:${name}`;
  }

  /** Sorted set: the users in a group, in their order. */
  group(name: string): string {
    return `${this.prefix}gr:${name}`;
  }

  /** Stream: the history of a channel. */
  history(channel: string): string {
    return `${this.prefix}h:${channel}`;
  }

  /** Stream: history id to channel. */
  get historyIndex(): string {
    return `${this.prefix}hi`;
  }

  /** Sorted set: channel with history to the highest id discarded from it. */
  get historyChannels(): string {
    return `${this.prefix}hc`;
  }

  /** Hash: place to the highest id discarded from forgotten channels there. */
  get forgotten(): string {
    return `${this.prefix}hf`;
  }

  /** The keys of all patterns that match a channel (CH-3). */
  interests(channel: string): string[] {
    const keys = [this.interest(channel)];
    const last = channel.lastIndexOf('/');
    keys.push(this.interest(`${channel.slice(0, last)}/*`));
    for (let at = last; at >= 0; at = at === 0 ? -1 : channel.lastIndexOf('/', at - 1)) {
      keys.push(this.interest(`${channel.slice(0, at)}/**`));
    }
    return keys;
  }
}
