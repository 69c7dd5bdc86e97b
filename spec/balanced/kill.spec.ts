import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { ask, type Running, serve } from '../cli/running-program.ts';
import type { FayeClientExtension } from '../interop/faye-driver.ts';
import { jsforceClient, StreamingExtension } from '../interop/jsforce.ts';
import { shakeHands } from '../support/bayeux-http.ts';
import { balance, redisUrl } from './hosts.ts';

const CLIENTS = 9;
const ROOM = '/chat/room';
const patience = { timeout: 30_000, interval: 20 };

/** Three programs, and the address of their balancer. The rooms of the chat page keep their last 50 messages. */
async function programs() {
  const args = ['--demo', '--path', '/cometd', '--api-key', 'test-key-1'];
  const redis = ['--redis', redisUrl(), '--redis-namespace', randomUUID()];
  const secret = { BAYEUXD_CLUSTER_SECRET: 'of the programs behind a balancer' };
  const node = async () => {
    const running = await serve([...args, ...redis, '--cluster-listen', '127.0.0.1:0'], secret);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stdout())?.[0] ?? '';
    return { ...running, url };
  };
  const nodes = await Promise.all([node(), node(), node()]);
  const ready = async ({ url }: Running) => (await ask(`${url}/readyz`)).status;
  for (const one of nodes) await expect.poll(() => ready(one), patience).toBe(200);
  return { nodes, origin: await balance(nodes.map(({ url }) => url)) };
}

/** A client of Salesforce, which goes on behind the last event that it heard. */
async function listener(origin: string, transport: string) {
  const heard: unknown[] = [];
  const sessions: string[] = [];
  const watch: FayeClientExtension = {
    incoming(message, callback) {
      if (message.channel === '/meta/handshake' && message.clientId !== undefined)
        sessions.push(message.clientId);
      callback(message);
    },
  };
  const client = jsforceClient(origin, [new StreamingExtension.Replay(ROOM, -1), watch]);
  if (transport !== 'websocket') client.disable('websocket');
  onTestFinished(async () => void (await client.disconnect()));
  await client.subscribe(ROOM).withChannel((_channel, data) => {
    heard.push(typeof data === 'object' && data !== null && 'payload' in data ? data.payload : data);
  });
  return { heard, sessions };
}

function publish({ url }: Running, payload: unknown) {
  return ask(`${url}/api/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer test-key-1' },
    // What the client looks for in the events of Salesforce.
    body: JSON.stringify({ channel: ROOM, data: { payload, event: {} } }),
  });
}

it('a node is killed: its clients come back and have missed nothing, and the others notice nothing', {
  timeout: 120_000,
}, async () => {
  const { nodes, origin } = await programs();
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_, at) => listener(origin, at % 3 === 0 ? 'websocket' : 'long-polling')),
  );
  const nodeOf = ({ sessions }: { readonly sessions: readonly string[] }) => sessions[0]?.slice(0, 8);
  const tags = clients.map(nodeOf);
  expect(new Set(tags).size).toBe(3);

  const [doomed, other] = nodes;
  if (doomed === undefined || other === undefined) throw new Error('no nodes');
  const tag = (await shakeHands(`${doomed.url}/cometd`)).slice(0, 8);
  expect(tags).toContain(tag);

  const published: number[] = [];
  const publishMore = async (count: number) => {
    for (let more = 0; more < count; more += 1) {
      const { status } = await publish(other, published.length);
      expect(status).toBe(200);
      published.push(published.length);
    }
  };
  await publishMore(5);
  for (const { heard } of clients) await expect.poll(() => heard, patience).toEqual(published);
  await doomed.end('SIGKILL');
  await publishMore(10);
  for (const [at, { heard }] of clients.entries())
    if (tags[at] !== tag) await expect.poll(() => heard, patience).toEqual(published);
  for (const [at, { sessions }] of clients.entries())
    await expect.poll(() => sessions.length, patience).toBe(tags[at] === tag ? 2 : 1);
  await publishMore(5);
  for (const { heard } of clients) await expect.poll(() => heard, patience).toEqual(published);
});
