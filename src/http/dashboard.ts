import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler, type Router } from 'express';
import { checkNames } from '../lib/known-names.ts';
import { shown } from '../lib/shown.ts';
import { UsageError } from '../lib/usage-error.ts';
import { only } from './only.ts';

const folder = fileURLToPath(new URL('./pages/', import.meta.url));

/** Where the dashboard finds the HTTP API. */
export interface DashboardOptions {
  /** The mount of the HTTP API: a path such as `/push/api`, or one relative to the page. `../api` if absent. */
  readonly api?: string;
}

const usage = "write app.use('/admin', dashboard({ api: '/api' }))";

/**
 * The dashboard: a page whose visitor signs in with an API key or token, and that shows and does by the HTTP API what the key may. It holds
 * no data itself. Throws `UsageError` for a wrong path.
 */
export function dashboard(options: DashboardOptions = {}): Router {
  checkNames(options, { what: 'the options of dashboard', functions: [], others: ['api'] });
  const { api = '../api' } = options;
  if (typeof api !== 'string' || !/^(?:\/|\.\.?\/)[\w.~%/-]*$/.test(api) || api.startsWith('//'))
    throw new UsageError(
      `api must be a path such as "/api", on the origin of the page, got ${shown(api)}: ${usage}`,
    );
  const page = readFileSync(`${folder}admin/index.html`, 'utf8').replace('{api}', api);
  return express
    .Router({ strict: true })
    .use((_request, response, next) => {
      response.set(headers);
      next();
    })
    .get('/', withSlash, (_request, response) => void response.type('html').send(page))
    .use(only(files()), express.static(folder, { index: false, redirect: false, cacheControl: false }));
}

const headers = {
  'Cache-Control': 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "connect-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text becomes HTML: the browser refuses the attempt.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
};

/** The paths in the page are relative, so that a proxy may add a prefix to the mount. */
const withSlash: RequestHandler = ({ originalUrl, baseUrl }, response, next) => {
  const [path = ''] = originalUrl.split('?', 1);
  if (path.endsWith('/')) next();
  else response.redirect(301, `${baseUrl.slice(baseUrl.lastIndexOf('/') + 1)}/`);
};

function files(): string[] {
  const own = readdirSync(`${folder}admin`).filter((name) => /\.(?:js|css)$/.test(name));
  return [
    ...own.map((name) => `admin/${name}`),
    'dom.js',
    'icon.svg',
    'theme.css',
    'vendor/uplot.js',
    'vendor/uplot.css',
  ];
}
