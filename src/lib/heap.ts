import { getHeapStatistics } from 'node:v8';

/** What the heap of this process may grow to: some bounds are a part of it, unless they are set. Bytes. */
export function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}
