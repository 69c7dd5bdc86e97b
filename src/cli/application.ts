import type { IncomingMessage, RequestListener } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import express, { type Express, type Router } from 'express';

/** Makes an Express application that serves these routes over HTTP/1.1 and HTTP/2. */
export function application(routes: Router): RequestListener {
  const [http1, http2] = [express(), overHttp2(express())];
  for (const app of [http1, http2]) app.disable('x-powered-by').use(routes);
  return (request, response) => {
    if (request.httpVersionMajor !== 2) return http1(request, response);
    markBody(request);
    return http2(request, response);
  };
}

// HTTP/2 announces a body in its stream, but Express's parsers look for a header.
function markBody({ headers }: IncomingMessage): void {
  if (headers['content-length'] === undefined) headers['transfer-encoding'] = 'chunked';
}

/** Express gives each request and response the prototypes of HTTP/1.1. This replaces them with those of HTTP/2. */
function overHttp2(app: Express): Express {
  app.request = rebased(app.request, Http2ServerRequest.prototype);
  app.response = rebased(app.response, Http2ServerResponse.prototype);
  return app;
}

/** A copy of the app's object and of its prototype, the one with Express's methods, that inherits from `prototype`. */
function rebased(ofApp: object, prototype: object) {
  const methods = Object.create(prototype, Object.getOwnPropertyDescriptors(Object.getPrototypeOf(ofApp)));
  return Object.create(methods, Object.getOwnPropertyDescriptors(ofApp));
}
