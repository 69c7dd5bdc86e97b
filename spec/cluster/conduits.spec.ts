import { get, request } from 'node:http';
import { type ConduitUnderTest, conduitContract } from '../core/contracts/conduit.ts';
import { shakeHands } from '../support/bayeux-http.ts';
import { cluster } from '../support/cluster.ts';
import { PARKED, parking } from '../support/parking.ts';
import { until } from '../support/until.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';

type Batch = readonly { readonly [key: string]: unknown }[];

/** Two nodes: the session is at the first, and its client comes to the second. */
async function apart() {
  const { extension, parked } = parking();
  const [owner, edge] = await cluster(2, { extensions: [extension] });
  if (owner === undefined || edge === undefined) throw new Error('no nodes');
  const clientId = await shakeHands(owner.url);
  const [session] = owner.server.sessions;
  if (session === undefined) throw new Error('no session');
  return { session, url: edge.url, message: { ...PARKED, clientId }, parked };
}

conduitContract('forwarded long-polling', async (): Promise<ConduitUnderTest> => {
  const { url, message, parked } = await apart();
  const batches: Batch[] = [];
  const asked = request(url, { method: 'POST' }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    response.on('end', () => {
      if (response.statusCode === 200) batches.push(JSON.parse(body));
    });
  });
  asked.on('error', () => {});
  asked.end(JSON.stringify(message));
  return { conduit: await parked(), received: () => batches, hangUp: () => void asked.destroy() };
});

conduitContract('forwarded eventsource', async (): Promise<ConduitUnderTest> => {
  const { url, session } = await apart();
  let text = '';
  const headers = { Accept: 'text/event-stream' };
  const asked = get(`${url}/${session.clientId}`, { headers }, (response) => {
    response.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    response.on('error', () => {});
  });
  asked.on('error', () => {});
  await until(() => session.push !== undefined && text.includes('retry'));
  const conduit = session.push;
  if (conduit === undefined) throw new Error('no stream');
  const received = () =>
    Array.from(text.matchAll(/^data: (.*)\n\n/gm), ([, json = '']) => JSON.parse(json) as Batch);
  return { conduit, received, hangUp: () => void asked.destroy() };
});

conduitContract('forwarded websocket', async (): Promise<ConduitUnderTest> => {
  const { url, message, parked } = await apart();
  const client = await WebSocketClient.open(url);
  client.send(message);
  const received = () => client.frames.map((frame) => JSON.parse(frame) as Batch);
  return { conduit: await parked(), received, hangUp: () => void client.socket.destroy() };
});
