import { expect, it } from 'vitest';
import { type Frame, FrameReader } from '../../src/cluster/frames.ts';
import { connectOf, post, shakeHands } from '../support/bayeux-http.ts';
import { cluster } from '../support/cluster.ts';
import { Relay } from '../support/relay.ts';
import { until } from '../support/until.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';

const SECRET = 'a secret of the cluster';

it('no frame but a batch itself has the clientId, anything it could be made from, or the secret of the cluster', async () => {
  const relays: Relay[] = [];
  const [owner, edge] = await cluster(2, {}, async (address) => {
    const relay = await Relay.to(address);
    relays.push(relay);
    return relay.address;
  });
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  const clientId = await shakeHands(owner.url);
  // What proxies say of the URL of a stream, or of a JSONP call.
  const told = { 'X-Original-Uri': `/bayeux/${clientId}?x`, Referer: `${edge.url}/${clientId}` };
  await fetch(edge.url, {
    method: 'POST',
    headers: told,
    body: JSON.stringify([{ channel: '/meta/subscribe', clientId, subscription: '/a' }]),
  });
  const message = encodeURIComponent(JSON.stringify([connectOf(clientId, { advice: { timeout: 0 } })]));
  await fetch(`${edge.url}?jsonp=f&message=${message}`, { headers: { Referer: edge.url } }).then((one) =>
    one.text(),
  );
  const asked = new AbortController();
  const headers = { Accept: 'text/event-stream', ...told };
  const stream = await fetch(`${edge.url}/${clientId}`, { headers, signal: asked.signal });
  expect(stream.status).toBe(200);
  const client = await WebSocketClient.open(`${edge.url}?clientId=${clientId}`);
  client.clientId = clientId;
  client.hold();
  const [session] = owner.server.sessions;
  await until(() => session?.state === 'held');
  await owner.server.publish('/a', 1);
  await until(() => client.data('/a').length === 1);
  await edge.peers.ask(owner.info.name, { of: 'members', channel: '/a' }, 500);
  await post(edge.url, { channel: '/meta/disconnect', clientId });
  asked.abort();

  const frames: Frame[] = [];
  for (const pieces of relays.flatMap(({ written, got }) => [...written, ...got])) {
    const reader = new FrameReader(1_000_000);
    for (const piece of pieces) reader.read(piece, (frame) => frames.push(frame));
  }
  // All that is recorded is frames, and batches are in their bodies.
  expect(frames.length).toBeGreaterThan(15);
  expect(frames.filter(({ body }) => body.includes(clientId)).length).toBeGreaterThan(4);
  const heads = frames.map(({ head }) => head).join('\n');
  expect(heads).toContain('x-original-uri');
  const random = clientId.slice(owner.info.name.length);
  const parts = Array.from({ length: random.length - 9 }, (_, at) => random.slice(at, at + 10));
  const forms = [clientId, Buffer.from(random, 'hex').toString('base64').slice(2, 20), ...parts];
  for (const form of [...forms, SECRET]) expect(heads).not.toContain(form);
  for (const form of [SECRET])
    expect(Buffer.concat(relays.map(({ bytes }) => bytes)).toString()).not.toContain(form);
});
