import { createServer } from 'node:http';
import { serve } from './serve.js';

// The ceiling of bare `http`: returns the body unchanged.
serve(
  createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body?.length ?? 0 });
      response.end(body);
    });
  }),
);
