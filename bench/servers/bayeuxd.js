import { createServer } from 'node:http';
import express from 'express';
import { settingsOf, unlimited } from './features.js';
import { serve } from './serve.js';

// Another build may be held against this one.
const { attachWebSocket, bayeux, Server } = await import(process.env.BENCH_BUILD ?? '../../dist/index.js');

const server = unlimited(Server, await settingsOf(process.env.BENCH_FEATURE ?? ''));
const httpServer = createServer(express().use('/bayeux', bayeux(server)));
// An older build has a function for it.
if (attachWebSocket !== undefined) attachWebSocket(httpServer, '/bayeux', server);
else server.attachUpgrades(httpServer, { path: '/bayeux' });
await server.open();
serve(httpServer);
