import { listOf, numberOf, textOf } from '../reply.ts';
import { type Address, addressOf } from './address.ts';
import { askAny } from './ask-any.ts';
import type { Dial, RedisLine } from './line.ts';

/** A Redis Cluster. */
export interface SlottedRedis {
  /** Some of its nodes, as `HOST:PORT`. They tell of the others. */
  readonly nodes: readonly string[];
  /** Any key: all have one hash slot. */
  readonly key: string;
  readonly dial: Dial;
}

/** Opens lines to the node of a Redis Cluster that has the hash slot of a key. The nodes are asked each time. */
export function viaSlotOwner({ nodes, key, dial }: SlottedRedis): Dial {
  return async (hooks) => {
    const asked = nodes.map((name): [string, Dial] => [name, (own) => dial(own, addressOf(name))]);
    const owner = await askAny(new Map(asked), (line) => ownerOf(line, key), hooks.signal);
    hooks.signal.throwIfAborted();
    return dial(hooks, owner);
  };
}

async function ownerOf(line: RedisLine, key: string): Promise<Address> {
  const [reply, slots] = await Promise.all([
    line.send(['CLUSTER', 'KEYSLOT', key]),
    line.send(['CLUSTER', 'SLOTS']),
  ]);
  const slot = numberOf(reply);
  for (const range of listOf(slots)) {
    const [first, last, owner] = listOf(range);
    if (slot < numberOf(first) || slot > numberOf(last)) continue;
    const [host, port] = listOf(owner);
    if (host !== null && textOf(host) !== '') return { host: textOf(host), port: numberOf(port) };
  }
  throw new Error(`it knows no node with the hash slot ${slot}`);
}
