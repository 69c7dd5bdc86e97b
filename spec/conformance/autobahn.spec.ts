import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Server } from '../../src/index.ts';
import { listen } from '../support/start.ts';
import { compression } from './autobahn/compression.ts';
import { fragmentation } from './autobahn/fragmentation.ts';
import { framing } from './autobahn/framing.ts';
import { limits } from './autobahn/limits.ts';
import { Peer } from './autobahn/peer.ts';
import { utf8 } from './autobahn/utf8.ts';

const MIB = 1_048_576;

describe('the cases of the Autobahn list, over bare sockets', () => {
  const http = createServer();
  const server = new Server({
    log: () => undefined,
    maxMessageSize: 16 * MIB,
    maxIncomingBytes: 1024 * MIB,
    maxQueueBytes: 64 * MIB,
    websocket: { perMessageDeflate: true },
  });
  let url = '';

  beforeAll(async () => {
    server.attachUpgrades(http, { path: '/bayeux' });
    await server.open();
    await listen(http);
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/bayeux`;
  });
  afterAll(async () => {
    await server.close();
    http.close();
  });

  it.each([...framing, ...fragmentation, ...utf8, ...limits, ...compression])('$id $title', async (row) => {
    const peer = await Peer.open(url, row);
    expect(peer.agreed).toBe(row.agreed);
    const { sent, seen } = row.scene(peer);
    await peer.play(sent);
    expect(peer.seen).toEqual(seen);
  });
});
