import { getHeapStatistics } from 'node:v8';

/** Heap limit of this process. The defaults of some limits are a part of it. Bytes. */
export function heapLimit(): number {
  return getHeapStatistics().heap_size_limit;
}
