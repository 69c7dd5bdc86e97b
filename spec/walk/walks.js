// Counts the functions of the build that one action enters, with the files they are in. Run in a process of its own, so that nothing
// else has been compiled with other settings. Prints JSON: { [walk]: { functions, calls, files, names } }.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { Session } from 'node:inspector/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../dist/cli/config.js';
import { Server } from '../../dist/index.js';

const dist = new URL('../../dist/', import.meta.url).href;
const turn = () => new Promise((resolve) => setImmediate(resolve));

const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });

/** What `action` enters; the walk before it is done once more than needed, so that everything that is made once was made. */
async function entered(action) {
  await action();
  await rest();
  await inspector.post('Profiler.takePreciseCoverage');
  await action();
  await rest();
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const walk = { functions: 0, calls: 0, files: 0, names: [] };
  for (const { url, functions } of result) {
    if (!url.startsWith(dist)) continue;
    const file = url.slice(dist.length);
    const ran = functions.filter(
      ({ functionName, ranges: [range] }) => range.count > 0 && !isModule(functionName, range),
    );
    if (ran.length === 0) continue;
    walk.files += 1;
    walk.functions += ran.length;
    for (const { functionName, ranges } of ran) {
      walk.calls += ranges[0].count;
      walk.names.push(`${file} ${functionName || '(anonymous)'} ${ranges[0].count}`);
    }
  }
  return walk;
}

// The body of a module counts as a function that begins at 0.
const isModule = (name, range) => name === '' && range.startOffset === 0;

async function rest() {
  for (let at = 0; at < 20; at += 1) await turn();
}

/** Starts a server that is used up by one walk. */
async function start(settings = {}) {
  let soonest = [];
  let now = Date.now();
  const timers = new Set();
  const clock = {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback, cancel: () => timers.delete(timer) };
      timers.add(timer);
      return timer;
    },
    soon(callback) {
      if (soonest.push(callback) === 1)
        setImmediate(() => {
          const all = soonest;
          soonest = [];
          for (const one of all) one();
        });
    },
  };
  const tick = (ms) => {
    now += ms;
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.callback();
  };
  const server = new Server({ clock, ...settings });
  const http = createServer();
  server.attach(http, { path: '/bayeux' });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { server, tick, port: http.address().port };
}

function post(port, ...messages) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const asked = request(
      { port, host: '127.0.0.1', method: 'POST', path: '/bayeux', headers },
      (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk) => (text += chunk))
          .on('end', () => resolve(JSON.parse(text)));
      },
    );
    asked.on('error', reject).end(JSON.stringify(messages));
  });
}

/** A session that polls, connected once. */
async function polling(port, subscription) {
  const [{ clientId }] = await post(port, { ...handshake, supportedConnectionTypes: ['long-polling'] });
  if (subscription) await post(port, { channel: '/meta/subscribe', clientId, subscription });
  await post(port, { channel: '/meta/connect', clientId, connectionType: 'long-polling' });
  return clientId;
}
const handshake = { channel: '/meta/handshake', version: '1.0' };

/** A session on a bare socket, whose connect is held. */
async function socketed(port, subscription) {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => (text += chunk));
  const reads = async (part) => {
    while (!text.includes(part)) await turn();
    const read = text;
    text = '';
    return read;
  };
  const send = (message) => socket.write(masked(JSON.stringify([message])));
  socket.write('GET /bayeux HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n');
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  await reads('\r\n\r\n');
  send({ ...handshake, supportedConnectionTypes: ['websocket'] });
  const [, clientId] = /"clientId":"(\w+)"/.exec(await reads('"clientId"'));
  const connecting = { channel: '/meta/connect', clientId, connectionType: 'websocket' };
  if (subscription) {
    send({ channel: '/meta/subscribe', clientId, subscription });
    await reads('"successful":true');
  }
  send(connecting);
  await reads('"advice"');
  send(connecting);
  await rest();
  return { socket, send, reads, clientId };
}

function masked(text) {
  const bytes = Buffer.from(text);
  const head =
    bytes.length < 126 ? [0x81, 0x80 | bytes.length] : [0x81, 0xfe, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), bytes]);
}

const walks = {
  async 'publish by HTTP to a held poll'() {
    const { port } = await start();
    const publisher = await polling(port);
    const clientId = await polling(port, '/n');
    return async () => {
      const held = post(port, { channel: '/meta/connect', clientId, connectionType: 'long-polling' });
      await rest();
      await inspector.post('Profiler.takePreciseCoverage');
      await post(port, { channel: '/n', clientId: publisher, data: 1 });
      await held;
    };
  },
  async 'publish by HTTP to a WebSocket'() {
    const { port } = await start();
    const publisher = await polling(port);
    const { reads } = await socketed(port, '/n');
    return async () => {
      await post(port, { channel: '/n', clientId: publisher, data: 1 });
      await reads('"data"');
    };
  },
  async 'connect held and released by its timer'() {
    const { port, tick } = await start();
    const clientId = await polling(port);
    return async () => {
      const held = post(port, { channel: '/meta/connect', clientId, connectionType: 'long-polling' });
      await rest();
      tick(30_000);
      await held;
    };
  },
  async 'a publish that overflows a slow reader'() {
    const { server, port } = await start({ maxQueue: 3, queueOverflow: 'dropOldest' });
    const { socket } = await socketed(port, '/n');
    socket.pause();
    const big = 'x'.repeat(1_000_000);
    for (let at = 0; at < 20; at += 1) {
      await server.publish('/n', big);
      await rest();
    }
    return () => server.publish('/n', 1);
  },
  async 'one key of a file until a server obeys'() {
    const file = join(mkdtempSync(join(tmpdir(), 'walk-')), 'bayeuxd.yaml');
    writeFileSync(file, 'channels: { /a: { lazy: 500 } }\n');
    return async () => {
      const { server: options } = loadConfig((flag) => (flag === '--config' ? file : undefined), {});
      const server = new Server({ ...options });
      if (server.options.channels['/a'].lazy !== 500) throw new Error('the server does not obey');
      await server.close();
    };
  },
};

const result = {};
for (const [name, prepare] of Object.entries(walks)) result[name] = await entered(await prepare());
process.stdout.write(JSON.stringify(result));
process.exit();
