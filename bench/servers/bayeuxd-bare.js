import { createServer } from 'node:http';
import { serve } from './serve.js';

const { bayeux, Server } = await import(process.env.BENCH_BUILD ?? '../../dist/index.js');

const server = new Server({});
await server.open();
serve(createServer(bayeux(server, { path: '/bayeux' })));
