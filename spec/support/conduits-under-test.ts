import { get, request } from 'node:http';
import type { Conduit } from '../../src/ports/conduit.ts';
import type { Session } from '../../src/core/session.ts';
import type { ConduitUnderTest } from '../core/contracts/conduit.ts';
import { type Wire, WebSocketClient } from '../transports/websocket-client.ts';
import { until } from './until.ts';

type Batch = readonly { readonly [key: string]: unknown }[];
type Parked = () => Promise<Conduit>;

/** The conduit of a POST that is parked. */
export async function postUnderTest(url: string, message: object, parked: Parked): Promise<ConduitUnderTest> {
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
}

/** The stream of a session, opened at this URL. */
export async function streamUnderTest(url: string, session: Session): Promise<ConduitUnderTest> {
  const { asked, text } = openStream(`${url}/${session.clientId}`);
  await until(() => session.push !== undefined && text().includes('retry'));
  const conduit = session.push;
  if (conduit === undefined) throw new Error('no stream');
  const received = () =>
    Array.from(text().matchAll(/^data: (.*)\n\n/gm), ([, json = '']) => JSON.parse(json) as Batch);
  return { conduit, received, hangUp: () => void asked.destroy() };
}

/** The conduit of a WebSocket whose first message is parked. */
export async function socketUnderTest(url: string, message: Wire, parked: Parked): Promise<ConduitUnderTest> {
  const client = await WebSocketClient.open(url);
  client.send(message);
  const received = () => client.frames.map((frame) => JSON.parse(frame) as Batch);
  return { conduit: await parked(), received, hangUp: () => void client.socket.destroy() };
}

/** Opens a stream of events, and keeps what comes. */
export function openStream(url: string) {
  let text = '';
  const asked = get(url, { headers: { Accept: 'text/event-stream' } }, (response) => {
    response.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    response.on('error', () => {});
  });
  asked.on('error', () => {});
  return { asked, text: () => text };
}
