import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';
import { only } from './only.ts';

const page = fileURLToPath(new URL('./pages/', import.meta.url));
const clients = fileURLToPath(new URL('./clients/', import.meta.url));
const cometd = dirname(createRequire(import.meta.url).resolve('cometd'));

/** The channels of the rooms on the chat page: the name of a room follows. */
export const chatRooms = '/chat/';

/**
 * The chat page at `/`, the clients under `/clients/`, and the documentation under `/docs/`. To be used at the root of
 * an app. `mount` is where Bayeux is served: a path, or a URL when that is another origin. `version` is shown.
 */
export function pages(mount: string, version: string): Router {
  const values = { mount: addressOf(mount), rooms: chatRooms, version };
  const html = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{${name}}`, () => value),
    readFileSync(`${page}index.html`, 'utf8'),
  );
  const headers = headersFor(mount);
  const files = { index: false, redirect: false } as const;
  return express
    .Router()
    .use(['/', '/page', '/clients', '/docs'], (_request, response, next) => {
      response.set('X-Content-Type-Options', 'nosniff');
      next();
    })
    .get('/', (_request, response) => void response.set(headers).type('html').send(html))
    .use(
      '/page',
      only([...scriptsIn(page), 'theme.css', 'chat.css', 'docs.css', 'icon.svg']),
      express.static(page, files),
    )
    .use('/clients/cometd', only(scriptsIn(cometd)), express.static(cometd, files))
    .use('/clients/faye', only(['faye-client.js']), express.static(`${page}vendor`, files))
    .use('/clients', only(scriptsIn(clients)), express.static(clients, files))
    .use(
      '/docs',
      express.static(`${page}docs`, {
        redirect: false,
        setHeaders: (response) => void response.setHeaders(new Map(Object.entries(headers))),
      }),
    );
}

function scriptsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\w+\.js$/.test(name));
}

/** The mount for an attribute of HTML. The URL parser has encoded the characters that could end the attribute. */
function addressOf(mount: string): string {
  const { origin, href, pathname } = new URL(mount, here);
  return origin === here ? pathname : href;
}

const here = 'http://here.invalid';

function headersFor(mount: string): Record<string, string> {
  const { origin, host, protocol } = new URL(mount, here);
  const foreign = origin !== here;
  const scripts = foreign ? `'self' ${origin}` : "'self'";
  const connections = foreign ? `${scripts} ${protocol.replace('http', 'ws')}//${host}` : scripts;
  return {
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': [
      "default-src 'none'",
      `script-src ${scripts}`, // callback-polling loads its replies as scripts
      `connect-src ${connections}`,
      'worker-src blob:', // the client's timers, which browsers slow down in hidden tabs otherwise
      "style-src 'self'",
      "img-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    // The server tells by the Referer which page asks for a script (CO-3). Another origin gets no more than the origin.
    'Referrer-Policy': foreign ? 'strict-origin' : 'same-origin',
  };
}
