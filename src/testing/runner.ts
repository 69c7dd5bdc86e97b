/** How a test runner is told of tests. `describe` and `it` of `node:test`, vitest, Jest and Mocha will do. */
export interface Runner {
  describe(title: string, tests: () => void): unknown;
  it(title: string, test: () => Promise<void>): unknown;
}
