import { randomBytes } from 'node:crypto';
import { channelName } from '../../load/publisher.js';
import { eventMark } from '../../load/markers.js';
import { Connection, frame } from './connection.js';

/** How long a hostile client waits for the server to close a connection. Milliseconds. */
const PATIENCE = 20_000;
const SECOND = 1000;
const ELSEWHERE = { Origin: 'https://evil.example' };

/**
 * @typedef {import('./connection.js').Site} Site
 *
 * @typedef {object} Attack
 * @property {number} rate Tries per second.
 * @property {number} [most] Tries under way at once, where they last. More are left out.
 * @property {readonly ((site: Site) => Promise<string> | undefined)[]} ways Take turns; each gives what the client got.
 */

/** @param {Record<string, unknown>} message */
const text = (message) => JSON.stringify([{ id: '1', ...message }]);

/** @param {string} [token] */
const handshake = (token) =>
  text({
    channel: '/meta/handshake',
    version: '1.0',
    supportedConnectionTypes: ['websocket', 'long-polling'],
    ...(token !== undefined && { ext: { auth: { token } } }),
  });

/** @param {string} body @param {Record<string, string>} [headers] @returns {(site: Site) => Promise<string>} */
const posting =
  (body, headers, patience = PATIENCE) =>
  (site) =>
    new Connection(site).post(body, headers).cutAfter(patience);

/**
 * Frames on a new WebSocket, until the server closes it or answers with this text.
 *
 * @param {Buffer} bytes
 * @returns {(site: Site) => Promise<string>}
 */
const framing =
  (bytes, until = 'nothing') =>
  async (site) => {
    const connection = new Connection(site).upgrade();
    await connection.has('\r\n\r\n');
    connection.write(bytes);
    void connection.has(until).then(() => connection.cut());
    return connection.cutAfter(PATIENCE);
  };

/** @param {string} body */
const chunk = (body) => `${body.length.toString(16)}\r\n${body}\r\n`;

/** @param {string} body */
const inChunks = (body) => `${[...body].map(chunk).join('')}0\r\n\r\n`;

const guess = () => randomBytes(20).toString('hex').slice(0, 32);

/**
 * A hostile user who is logged in: a session, and a message in its name.
 *
 * @param {(clientId: string) => Record<string, unknown>} message
 * @returns {(site: Site) => Promise<string>}
 */
function inside(message) {
  return async (site) => {
    const clientId = await login(site);
    return new Connection(site).post(text({ clientId, ...message(clientId) })).cutAfter(PATIENCE);
  };
}

/** @param {Site} site */
async function login(site) {
  const connection = new Connection(site).post(handshake(site.token));
  await connection.cutAfter(PATIENCE);
  return /"clientId":"(\w+)"/.exec(connection.text)?.[1] ?? '';
}

/** A socket of a user who is logged in. @param {Site} site */
async function socketOf(site) {
  const connection = new Connection(site).upgrade().write(frame(handshake(site.token)));
  await connection.has('"clientId":"');
  return { connection, clientId: /"clientId":"(\w+)"/.exec(connection.text)?.[1] ?? '' };
}

const forged = {
  successful: true,
  error: '402::session_unknown',
  advice: { reconnect: 'none', interval: 86_400_000, hosts: ['evil.example'] },
  ext: {
    ack: 99,
    token: 't',
    gap: { count: 1 },
    replay: { '/bench/*': -2 },
    ['__proto__']: { admin: true },
  },
};
/** As an honest client sends it. */
const data = { m: eventMark.text };
const connect = { channel: '/meta/connect', connectionType: 'long-polling' };
const noise = { channel: '/noise/all', data: 'x'.repeat(16_384) };
const empties = (/** @type {number} */ count) => `[${new Array(count).fill('{}').join(',')}]`;
const tooLong = `[${'"x",'.repeat(80_000)}0]`;
const piece = inChunks(handshake('x'.repeat(2000)));
const letters = [...handshake('x'.repeat(2000))];
const fragments = Buffer.concat(
  letters.map((char, i) => frame(char, (i === 0 ? 1 : 0) | (i === letters.length - 1 ? 0x80 : 0))),
);

/** @type {Readonly<Record<string, Attack>>} */
export const attacks = {
  'bad tokens': {
    rate: 20,
    ways: [
      (site) => posting(handshake(site.badTokens[Math.floor(Math.random() * site.badTokens.length)]))(site),
      posting(handshake()),
    ],
  },
  'forged fields': {
    rate: 10,
    ways: [
      inside(() => ({ ...forged, channel: channelName(0), data })),
      inside(() => ({
        ...forged,
        channel: '/meta/subscribe',
        subscription: ['/noise/a', '/bench/*', '/**'],
      })),
      inside(() => ({ ...forged, channel: '/meta/publish', data })),
      inside(() => ({ ...noise, ...forged, data: 1 })),
    ],
  },
  'guessed ids': {
    rate: 30,
    ways: [
      (site) => posting(text({ ...connect, clientId: guess() }))(site),
      (site) => posting(text({ channel: '/meta/disconnect', clientId: guess() }))(site),
      (site) => posting(text({ channel: channelName(0), clientId: guess(), data }))(site),
      (site) => {
        const accept = { Accept: 'text/event-stream', Connection: 'close' };
        return new Connection(site).head('GET', `/bayeux/${guess()}`, accept).cutAfter(PATIENCE);
      },
    ],
  },
  'oversize bodies': {
    rate: 2,
    // The server keeps such a connection open, so that its answer arrives.
    ways: [posting(tooLong, {}, SECOND), posting(chunk(tooLong), { 'Transfer-Encoding': 'chunked' }, SECOND)],
  },
  'oversize frames': {
    rate: 5,
    // One of 10 MB, and fragments of 64 KiB.
    ways: [
      framing(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x98, 0x96, 0x80, 0, 0, 0, 0])),
      framing(
        Buffer.concat(new Array(5).fill(65_535).map((size, i) => frame(Buffer.alloc(size, 32), i ? 0 : 1))),
      ),
    ],
  },
  'malformed bodies': {
    rate: 20,
    ways: [
      '[{"channel":',
      'null',
      '[1,"a",[]]',
      '{"channel":7}',
      '\u0000',
      '[{"channel":"/meta/handshake"}]',
    ].map((body) => posting(body)),
  },
  'malformed frames': {
    rate: 10,
    ways: [
      framing(frame('[{"channel":')),
      framing(frame('[]', 0x8b)),
      framing(frame('[]', 0xf1)),
      framing(frame('[]', 0x81, false)),
      framing(frame(Buffer.from([0xc3, 0x28]))),
      framing(frame('x'.repeat(200), 0x89)),
    ],
  },
  'slow bodies': {
    rate: 2,
    most: 40,
    ways: [
      (site) => drip(new Connection(site).post('[', {}, 1000)),
      (site) => drip(new Connection(site).write('P')),
    ],
  },
  'one-byte chunks': {
    rate: 3,
    ways: [posting(piece, { 'Transfer-Encoding': 'chunked' }), framing(fragments, '"successful"')],
  },
  'deep nesting': {
    rate: 3,
    ways: [
      posting('['.repeat(100_000)),
      posting(`[{"channel":"/a","data":${'{"a":'.repeat(1000)}1${'}'.repeat(1001)}]`),
    ],
  },
  'floods of {}': { rate: 2, ways: [posting(empties(1000)), posting(empties(80_000))] },
  'handshake flood': { rate: 40, ways: [(site) => posting(handshake(site.token))(site)] },
  'slow readers': {
    rate: 1,
    most: 12,
    ways: [
      async (site) => {
        const { connection, clientId } = await socketOf(site);
        connection.write(frame(text({ clientId, channel: '/meta/subscribe', subscription: noise.channel })));
        connection.write(frame(text({ ...connect, clientId, connectionType: 'websocket' })));
        await connection.has('"/meta/subscribe"');
        connection.pause();
        return connection.cutAfter(3 * PATIENCE);
      },
      async (site) => {
        const clientId = await login(site);
        const subscribe = { clientId, channel: '/meta/subscribe', subscription: noise.channel };
        await new Connection(site).post(text(subscribe)).cutAfter(PATIENCE);
        const connection = new Connection(site).post(text({ ...connect, clientId }));
        connection.pause();
        return connection.cutAfter(PATIENCE);
      },
    ],
  },
  'events for slow readers': { rate: 20, ways: [inside(() => noise)] },
  'half-open upgrades': {
    rate: 5,
    most: 100,
    ways: [
      (site) => new Connection(site).write('GET /bayeux HTTP/1.1\r\nUpgrade: websoc').cutAfter(PATIENCE),
      (site) => new Connection(site).upgrade().cutAfter(PATIENCE),
    ],
  },
  'cut sockets': {
    rate: 20,
    ways: [
      (site) => new Connection(site).post(handshake(), {}, 1000).cutAfter(10),
      (site) => new Connection(site).upgrade().write(frame(handshake()).subarray(0, 20)).cutAfter(10),
      async (site) => {
        const message = text({ ...connect, clientId: await login(site) });
        // The server answers the first one at once, and holds the second.
        await new Connection(site).post(message).cutAfter(PATIENCE);
        return new Connection(site).post(message).cutAfter(50);
      },
    ],
  },
  'other origins': {
    rate: 20,
    ways: [
      posting(`message=${encodeURIComponent(text({ channel: channelName(0), data }))}`, {
        'Content-Type': 'application/x-www-form-urlencoded',
        ...ELSEWHERE,
      }),
      (site) =>
        new Connection(site)
          .head('GET', `/bayeux?jsonp=steal&message=${encodeURIComponent(handshake())}`, {
            Referer: 'https://evil.example/',
            Connection: 'close',
          })
          .cutAfter(PATIENCE),
      (site) => new Connection(site).upgrade(ELSEWHERE).cutAfter(PATIENCE),
    ],
  },
};

/** Sends a byte a second. @param {Connection} connection */
function drip(connection) {
  const timer = setInterval(() => connection.write(' '), SECOND);
  return connection.cutAfter(PATIENCE).finally(() => clearInterval(timer));
}
