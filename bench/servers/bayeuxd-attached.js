import { createServer } from 'node:http';
import express from 'express';
import { unlimited } from './features.js';
import { serve } from './serve.js';

const { Server } = await import(process.env.BENCH_BUILD ?? '../../dist/index.js');

const server = unlimited(Server, {});
const httpServer = createServer(express());
server.attach(httpServer, { path: '/bayeux' });
await server.open();
serve(httpServer);
