import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import express, { type RequestHandler } from 'express';
import { afterAll, beforeAll } from 'vitest';

const require = createRequire(import.meta.url);
const folderOf = (name: string): string => dirname(require.resolve(`${name}/package.json`));

/** An empty page at `/blank`, and under `/lib` the clients as they are published. */
export const library: RequestHandler = express
  .Router()
  .get(
    '/blank',
    (_request, response) => void response.type('html').send('<!doctype html><title>blank</title>'),
  )
  .use('/lib/cometd-9', express.static(folderOf('cometd')))
  .use('/lib/cometd-8', express.static(folderOf('cometd-8')))
  .use('/lib/cometd-7', express.static(folderOf('cometd-7')))
  .use('/lib/faye', express.static(`${folderOf('faye')}/client`));

/** Another site that has the same pages, for all the tests of a file. */
export function otherSite(): { readonly origin: string } {
  const http = createServer(express().use(library));
  const site = { origin: '' };
  beforeAll(async () => {
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    // 127.0.0.1 is bayeuxd's: another name makes it another site, not only another origin.
    site.origin = `http://localhost:${(http.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    http.closeAllConnections();
    http.close();
  });
  return site;
}
