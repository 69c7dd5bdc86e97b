import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as cometd9 from 'cometd';
import * as cometd8 from 'cometd-8';
import { adapt } from 'cometd-nodejs-client';
import { cometdDriver } from './cometd-driver.ts';
import type { Driver } from './driver.ts';
import { type FayeClient, fayeDriver } from './faye-driver.ts';
import { jsforceClient } from './jsforce.ts';

const require = createRequire(import.meta.url);
const Faye: {
  Client: new (url: string, options?: { retry?: number; timeout?: number }) => FayeClient;
} = require('faye');

// The globals of a browser, as far as CometD asks for them. CK-6: one cookie jar per host name for the whole process.
adapt();

/** CometD 7 is a script for browsers in a package that calls itself a module: nothing can import it. */
function loadCometd7(): typeof cometd9 {
  const module: { exports: typeof cometd9 } = { exports: cometd9 };
  const source = readFileSync(require.resolve('cometd-7'), 'utf8');
  new Function('module', 'exports', source)(module, module.exports);
  return module.exports;
}

export const cometd = { '9.0.0': cometd9, '8.0.11': cometd8, '7.0.19': loadCometd7() };
export type CometdVersion = keyof typeof cometd;

/** A CometD client in this process. */
export function openCometd(version: CometdVersion, url: string, transport?: string): Driver {
  return cometdDriver(new cometd[version].CometD(), url, transport);
}

/** A Faye client in this process, kept from WebSocket when `transport` is another. */
export function openFaye(url: string, transport: string): Driver {
  const client = fayeClient(url);
  if (transport !== 'websocket') client.disable('websocket');
  return fayeDriver(client);
}

/** A bare Faye client that tries again soon. */
export function fayeClient(url: string): FayeClient {
  return new Faye.Client(url, { retry: 0.1 });
}

/** jsforce's streaming client, without extensions. */
export function openJsforce(origin: string): Driver {
  return fayeDriver(jsforceClient(origin));
}
