import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Extension } from '../../src/ports/session.ts';
import type { Reply } from '../../src/protocol/message.ts';
import { start } from '../support/start.ts';
import { until } from '../support/until.ts';
import { client } from './sessions.ts';
import { WebSocketClient } from './websocket-client.ts';

/** Does something once what is being read was read, when the reply to the next connect has been made. */
class AfterConnect implements Extension {
  readonly name = 'after-connect';
  armed = false;
  readonly #act: () => void;

  constructor(act: () => void) {
    this.#act = act;
  }

  outgoing(reply: Reply): Reply {
    if (this.armed && reply.channel === '/meta/connect') process.nextTick(this.#act);
    return reply;
  }
}

describe('answers leave when what came in the turn was read', () => {
  it('by HTTP, those of several requests together', async () => {
    const { server, http, url } = await start();
    const { clientId } = await client(url);
    const order: unknown[] = [];
    server.subscribe('/a', ({ data }) => order.push(data));
    http.prependListener('request', (_req, res: ServerResponse) => {
      const end = res.end.bind(res);
      Object.assign(res, {
        end: (body: string) => {
          order.push('written');
          end(body);
        },
      });
    });
    const request = (data: number): string => {
      const body = JSON.stringify({ channel: '/a', clientId, data });
      return `POST /bayeux HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    };
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let answers = '';
    socket.on('data', (chunk) => {
      answers += chunk.toString();
    });
    socket.write(request(1) + request(2));
    await until(() => answers.split('"successful":true').length === 3);
    expect(order).toEqual([1, 2, 'written', 'written']);
  });

  it('by WebSocket', async () => {
    const { server, http, url } = await start();
    const order: unknown[] = [];
    http.on('connection', (socket) => {
      const write = socket.write.bind(socket);
      Object.assign(socket, {
        write: (...args: Parameters<Socket['write']>) => {
          if (order.length > 0) order.push('written');
          return write(...args);
        },
      });
    });
    const alice = await WebSocketClient.connected(url);
    server.subscribe('/a', ({ data }) => {
      order.push(data);
      process.nextTick(() => order.push('read'));
    });
    await alice.publish('/a', 1);
    expect(order).toEqual([1, 'read', 'written']);
  });
});

describe('an answer whose peer was gone before it could leave', () => {
  it('by HTTP, leaves its events to the next', async () => {
    let last: Socket | undefined;
    const cut = new AfterConnect(() => last?.destroy());
    const { server, http, url } = await start({ extensions: [cut] });
    http.prependListener('request', ({ socket }) => {
      last = socket;
    });
    const alice = await client(url);
    await alice.subscribe('/news');
    await server.publish('/news', 1);
    cut.armed = true;
    await expect(alice.connect()).rejects.toThrow();
    cut.armed = false;
    expect(await alice.take(1)).toEqual([{ channel: '/news', data: 1 }]);
  });

  it('by WebSocket, leaves its events to the next', async () => {
    let last: Socket | undefined;
    const cut = new AfterConnect(() => last?.destroy());
    const { server, http, url } = await start({ extensions: [cut], metaConnectDeliverOnly: true });
    http.on('connection', (socket) => {
      last = socket;
    });
    const alice = await WebSocketClient.connected(url, '/news');
    await server.publish('/news', 1);
    cut.armed = true;
    alice.hold();
    await until(() => alice.ended);
    cut.armed = false;
    expect(alice.data('/news')).toEqual([]);
    const again = await WebSocketClient.open(url);
    again.clientId = alice.clientId;
    again.hold();
    await until(() => again.data('/news').length === 1);
  });
});
