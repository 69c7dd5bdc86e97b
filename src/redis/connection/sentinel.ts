import { listOf, numberOf, textOf } from '../reply.ts';
import { type Address, addressText } from './address.ts';
import { askAny } from './ask-any.ts';
import type { Dial, RedisLine } from './line.ts';

/** A Redis that Sentinels watch. */
export interface WatchedRedis {
  /** How each Sentinel is reached, by its address as text. */
  readonly sentinels: ReadonlyMap<string, Dial>;
  /** The name under which they know the master. */
  readonly master: string;
  /** Opens a line to the Redis at an address. */
  readonly dial: Dial;
  /** The address to use for one that a Sentinel tells; the same if absent. */
  readonly translate?: (address: Address) => Address;
}

/**
 * Opens lines to the master that Sentinels tell, which are asked each time. The line is refused where that Redis is no master, as a Sentinel may
 * not know yet.
 */
export function viaSentinels({ sentinels, master, dial, translate = (same) => same }: WatchedRedis): Dial {
  return async (hooks) => {
    const told = await askAny(sentinels, (line) => masterOf(line, master), hooks.signal);
    hooks.signal.throwIfAborted();
    const line = await dial(hooks, translate(told));
    const role = await roleOf(line);
    if (role === 'master' || role === undefined) return line;
    line.destroy();
    throw new Error(`${addressText(told)} is the master for a Sentinel, but says that it is a ${role}`);
  };
}

async function masterOf(line: RedisLine, master: string): Promise<Address> {
  const reply = await line.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master]);
  if (reply === null) throw new Error(`it watches no master with the name ${master}`);
  const [host, port] = listOf(reply);
  return { host: textOf(host), port: numberOf(port) };
}

// Undefined where the user may not ask.
async function roleOf(line: RedisLine): Promise<string | undefined> {
  try {
    return textOf(listOf(await line.send(['ROLE']))[0]);
  } catch {
    return undefined;
  }
}
