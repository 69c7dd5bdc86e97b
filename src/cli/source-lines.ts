import { type Document, isMap, isScalar, type LineCounter, type Pair } from 'yaml';

/** The line of a key in a file. If the key is missing, the line of its nearest parent there. */
export function lineOf({ contents }: Document, counter: LineCounter, keys: readonly string[]): number {
  let line = 1;
  let node: unknown = contents;
  for (const name of keys) {
    const pair: Pair | undefined = isMap(node)
      ? node.items.find(({ key }) => textOf(key) === name)
      : undefined;
    if (pair === undefined) break;
    if (isScalar(pair.key) && pair.key.range) line = counter.linePos(pair.key.range[0]).line;
    node = pair.value;
  }
  return line;
}

function textOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}
