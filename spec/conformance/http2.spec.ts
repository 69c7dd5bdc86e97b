import { afterAll, beforeAll, describe, it } from 'vitest';
import { sections } from './checks/all.ts';
import { casesOf, limit, runCase } from './run.ts';
import { type Running, startHttp2 } from './servers.ts';
import { nameOf } from './table.ts';

/** All that is checked of the HTTP transports holds over HTTP/2 too. */
describe.each(['http', 'https'] as const)('conformance over HTTP/2, %s', (scheme) => {
  let server: Running;
  beforeAll(async () => {
    server = await startHttp2(scheme);
  });
  afterAll(() => server.close());

  for (const one of casesOf(sections).filter(({ transport }) => transport !== 'websocket')) {
    it.concurrent(nameOf(one), { timeout: 2 * limit }, () => runCase(server, one));
  }
});
