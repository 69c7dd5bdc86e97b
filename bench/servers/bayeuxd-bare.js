import { createServer } from 'node:http';
import { unlimited } from './features.js';
import { serve } from './serve.js';

const { bayeux, Server } = await import(process.env.BENCH_BUILD ?? '../../dist/index.js');

const server = unlimited(Server, {});
await server.open();
serve(createServer(bayeux(server, { path: '/bayeux' })));
