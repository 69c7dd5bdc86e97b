import { get } from 'node:http';
import { postUnderTest, socketUnderTest, streamUnderTest } from '../support/conduits-under-test.ts';
import { PARKED, parking } from '../support/parking.ts';
import { start } from '../support/start.ts';
import { type ConduitUnderTest, conduitContract } from './contracts/conduit.ts';

type Batch = readonly { readonly [key: string]: unknown }[];

conduitContract('long-polling', async () => {
  const { extension, parked } = parking();
  const { url } = await start({ extensions: [extension] });
  return postUnderTest(url, PARKED, parked);
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

conduitContract('eventsource', async () => {
  const { server, url } = await start();
  const handshake = { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['eventsource'] };
  await fetch(url, { method: 'POST', body: JSON.stringify(handshake) });
  const [session] = server.sessions;
  if (session === undefined) throw new Error('no session');
  return streamUnderTest(url, session);
});

conduitContract('websocket', async () => {
  const { extension, parked } = parking();
  const { url } = await start({ extensions: [extension] });
  return socketUnderTest(url, PARKED, parked);
});
