/**
 * For tests of applications, engines and history stores.
 *
 * @module bayeuxd/testing
 */

export { clockContract, type ClockUnderTest } from './clock-contract.ts';
export { clusterContract, engineContract } from './engine-contract.ts';
export { type FakeClock, fakeClock } from './fake-clock.ts';
export { historyStoreContract, type HistoryStoreContractOptions } from './history-store-contract.ts';
export type { HistoryStoreUnderTest, MakeStore } from './open-store.ts';
export type { Runner } from './runner.ts';
export { startTestServer, type TestServer, type TestServerSettings } from './test-server.ts';
