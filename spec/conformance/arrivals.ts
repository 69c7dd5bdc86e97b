/** Things that arrive over time, and waiting for some of them. */
export class Arrivals<T> {
  readonly items: T[] = [];
  #waiting: { condition: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = [];
  #end: Error | undefined;

  push(item: T): void {
    this.items.push(item);
    const ready = this.#waiting.filter((waiter) => waiter.condition());
    this.#waiting = this.#waiting.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve();
  }

  /** Nothing more arrives: whoever still waits fails with `error`. */
  end(error: Error): void {
    this.#end ??= error;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#end);
  }

  async until(condition: (items: readonly T[]) => boolean): Promise<void> {
    const met = () => condition(this.items);
    if (met()) return;
    if (this.#end) throw this.#end;
    await new Promise<void>((resolve, reject) => this.#waiting.push({ condition: met, resolve, reject }));
  }

  /** Takes the first one, waiting for it if need be. */
  async shift(): Promise<T> {
    await this.until((items) => items.length > 0);
    const [first] = this.items.splice(0, 1);
    if (first === undefined) throw new Error('nothing arrived');
    return first;
  }
}
