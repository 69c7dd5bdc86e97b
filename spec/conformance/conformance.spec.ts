import { afterAll, beforeAll, describe, it } from 'vitest';
import { sections } from './checks/all.ts';
import { casesOf, limit, runCase } from './run.ts';
import { type Running, startBayeuxd } from './servers.ts';
import { nameOf } from './table.ts';

/** Runs against the server at BAYEUX_URL, or one of our own. */
describe('conformance', () => {
  let server: Running;
  beforeAll(async () => {
    const { BAYEUX_URL: url } = process.env;
    server = url ? { name: url, url, close: async () => undefined } : await startBayeuxd();
  });
  afterAll(() => server.close());

  describe.each(Object.entries(sections))('%s', (section, checks) => {
    for (const one of casesOf({ [section]: checks })) {
      it.concurrent(nameOf(one), { timeout: 2 * limit }, () => runCase(server, one));
    }
  });
});
