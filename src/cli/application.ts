import type { IncomingMessage, RequestListener } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import express, { type Express, type Router } from 'express';

/** Makes the application of these routes, for both versions of HTTP. */
export function application(routes: Router): RequestListener {
  const [http1, http2] = [express(), overHttp2(express())];
  for (const app of [http1, http2]) app.disable('x-powered-by').use(routes);
  return (request, response) => {
    if (request.httpVersionMajor !== 2) return http1(request, response);
    markBody(request);
    return http2(request, response);
  };
}

// A request of HTTP/2 says by its stream that a body comes, and Express's parsers look for a header.
function markBody({ headers }: IncomingMessage): void {
  if (headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
}

/** Express gives each request and response the prototype of an HTTP/1.1 one. Here its methods stand over those of HTTP/2. */
function overHttp2(app: Express): Express {
  app.request = moved(app.request, Http2ServerRequest.prototype);
  app.response = moved(app.response, Http2ServerResponse.prototype);
  return app;
}

/** Copies what Express defines, on the object of the app and on the one behind it, to objects above this prototype. */
function moved(ofApp: object, prototype: object) {
  const methods = Object.create(prototype, Object.getOwnPropertyDescriptors(Object.getPrototypeOf(ofApp)));
  return Object.create(methods, Object.getOwnPropertyDescriptors(ofApp));
}
