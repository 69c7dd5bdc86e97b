/** What a library with promises of its own answers with: it has a `then`, comes in a later turn, and is no `Promise`. */
export function thenable<T>(value: T): Promise<T> {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is for.
  const made: unknown = { then: (resolve: (value: T) => void) => void setImmediate(resolve, value) };
  return made as Promise<T>;
}
