import { createServer } from 'node:http';
import express from 'express';
import { attend, settingsOf, unlimited } from './features.js';
import { serve } from './serve.js';

// BENCH_BUILD: another build to compare with this one.
const { attachWebSocket, bayeux, Server } = await import(process.env.BENCH_BUILD ?? '../../dist/index.js');

const server = unlimited(Server, await settingsOf(process.env.BENCH_FEATURE ?? ''));
const httpServer = createServer(express().use('/bayeux', bayeux(server)));
// Older builds have this function instead of `attachUpgrades`.
if (attachWebSocket !== undefined) attachWebSocket(httpServer, '/bayeux', server);
else server.attachUpgrades(httpServer, { path: '/bayeux' });
await server.open();
await attend(process.env.BENCH_FEATURE ?? '', server);
serve(httpServer);
