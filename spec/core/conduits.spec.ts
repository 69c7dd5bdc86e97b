import { get, request } from 'node:http';
import { PARKED, parking } from '../support/parking.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { WebSocketClient } from '../transports/websocket-client.ts';
import { type ConduitUnderTest, conduitContract } from './contracts/conduit.ts';

type Batch = readonly { readonly [key: string]: unknown }[];

conduitContract('long-polling', async (): Promise<ConduitUnderTest> => {
  const { extension, parked } = parking();
  const { url } = await start({ extensions: [extension] });
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
  asked.end(JSON.stringify(PARKED));
  return { conduit: await parked(), received: () => batches, hangUp: () => void asked.destroy() };
});

conduitContract('callback-polling', async (): Promise<ConduitUnderTest> => {
  const { extension, parked } = parking();
  const { url } = await start({ extensions: [extension] });
  const batches: Batch[] = [];
  const query = `jsonp=f&message=${encodeURIComponent(JSON.stringify(PARKED))}`;
  const asked = get(`${url}?${query}`, { headers: { Referer: url } }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    response.on('end', () => {
      if (response.statusCode === 200) batches.push(JSON.parse(body.slice('/**/f('.length, -');'.length)));
    });
  });
  asked.on('error', () => {});
  return { conduit: await parked(), received: () => batches, hangUp: () => void asked.destroy() };
});

conduitContract('eventsource', async (): Promise<ConduitUnderTest> => {
  const { server, url } = await start();
  const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['eventsource'] };
  await fetch(url, { method: 'POST', body: JSON.stringify(handshake) });
  const [session] = server.sessions;
  if (session === undefined) throw new Error('no session');
  let text = '';
  const asked = get(
    `${url}/${session.clientId}`,
    { headers: { Accept: 'text/event-stream' } },
    (response) => {
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      response.on('error', () => {});
    },
  );
  asked.on('error', () => {});
  await until(() => session.push !== undefined && text.includes('retry'));
  const conduit = session.push;
  if (conduit === undefined) throw new Error('no stream');
  const received = () =>
    Array.from(text.matchAll(/^data: (.*)\n\n/gm), ([, json = '']) => JSON.parse(json) as Batch);
  return { conduit, received, hangUp: () => void asked.destroy() };
});

conduitContract('websocket', async (): Promise<ConduitUnderTest> => {
  const { extension, parked } = parking();
  const { url } = await start({ extensions: [extension] });
  const client = await WebSocketClient.open(url);
  client.send(PARKED);
  const received = () => client.frames.map((frame) => JSON.parse(frame) as Batch);
  return { conduit: await parked(), received, hangUp: () => void client.socket.destroy() };
});
