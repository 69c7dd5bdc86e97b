import { parsed } from '../lib/parsed.ts';
import { isObject } from '../protocol/message.ts';

/** The lowest and the highest format of envelopes that a node reads and writes. */
export type Formats = readonly [lowest: number, highest: number];

/** Those of this version. */
export const formats: Formats = [1, 1];

/** What a node writes. `common`: the highest format that all living nodes read. */
export function writtenFormat(common: number, [lowest, highest]: Formats): number {
  return Math.min(Math.max(common, lowest), highest);
}

/** Sentences about the nodes that know no format of this one. `leases`: the JSON of each, by the name of its node. */
export function strangers(leases: ReadonlyMap<string, string>, own: Formats): string[] {
  return [...leases].flatMap(([node, lease]) => {
    const theirs = formatsIn(lease);
    if (theirs !== undefined && theirs[0] <= own[1] && own[0] <= theirs[1]) return [];
    const known = theirs === undefined ? 'does not tell its formats' : `knows the formats ${shown(theirs)}`;
    return [
      `the node ${node} ${known}, and this one ${shown(own)}: sessions of either do not get what the other publishes, and are told of a gap; upgrade the older one`,
    ];
  });
}

const shown = ([lowest, highest]: Formats): string => `${lowest} to ${highest}`;

function formatsIn(lease: string): Formats | undefined {
  const read = parsed(lease);
  if (!isObject(read) || !Array.isArray(read.formats)) return undefined;
  const [lowest, highest] = read.formats;
  return typeof lowest === 'number' && typeof highest === 'number' ? [lowest, highest] : undefined;
}
