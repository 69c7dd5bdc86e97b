import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import fc from 'fast-check';
import { expect } from 'vitest';
import { bayeux, Server } from '../../src/index.ts';
import { type Ask, type Asking, BareWebSocket, Http1, Http2 } from '../support/bare-clients.ts';
import { FakeClock } from '../../src/testing/fake-clock.ts';
import type { Link } from '../support/link.ts';
import { settle } from '../support/until.ts';
import { handshake, type Wire } from './websocket-client.ts';

/** What is promised to a client. */
interface Kind {
  readonly delivery: 'unflushed' | 'resend' | 'ack';
  /**
   * Which ways the client listens to: `all` it has opened; or the `last` one alone, as CometD's and Faye's do. Such a one forgets a
   * connect that it waits for before it sends the next.
   */
  readonly listens: 'all' | 'last';
  /** How much the network takes before the client reads it. What it has taken is lost with the connection. Bytes. */
  readonly room: number;
  /** How much of each answer over HTTP/2 may come before the client has read any. Bytes. */
  readonly window: number;
  /** How a client that lost a connect comes again. */
  readonly retry: 'at once' | 'with the same id';
  readonly maxFlushBytes: number;
  readonly maxBufferedBytes: number;
}

type Way = 'h1' | 'h2';

/** What may happen. Those with `which` concern one of the links that are open. */
type Step =
  | { readonly do: 'publish'; readonly count: number; readonly bytes: number }
  /** A connect, on a new connection or an old one. One that `beats` leaves events to a stream. */
  | {
      readonly do: 'poll';
      readonly via: Way;
      readonly fresh: boolean;
      readonly hold: boolean;
      readonly beats: boolean;
    }
  | { readonly do: 'socket'; readonly fresh: boolean; readonly hold: boolean }
  | { readonly do: 'stream'; readonly via: Way; readonly fresh: boolean }
  /** Something else than a connect, whose answer may bring events as well. */
  | { readonly do: 'say'; readonly via: Way; readonly fresh: boolean }
  | Change
  /** What a client wrote on a link that it has left comes through. */
  | { readonly do: 'arrive late'; readonly which: number }
  /**
   * Over HTTP/2: the client reads on, or lets the server send no more. It cancels no request: Node 20 then fails an assertion of its own in
   * the object by which its HTTP/2 writes to what is no TCP socket.
   */
  | { readonly do: 'stall' | 'grant'; readonly which: number }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'turns'; readonly count: number };

const { boolean, constant, constantFrom, integer, nat, record } = fc;

const way = constantFrom('h1' as const, 'h2' as const);
const one = (...dos: readonly ('dark' | 'recover' | 'leave' | 'arrive late' | 'stall' | 'grant')[]) =>
  record({ do: constantFrom(...dos), which: nat() }) as fc.Arbitrary<Step>;

const connects: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 5,
    arbitrary: record({
      do: constant('poll'),
      via: way,
      fresh: boolean(),
      hold: boolean(),
      beats: fc.nat(3).map((n) => n === 0),
    }),
  },
  { weight: 4, arbitrary: record({ do: constant('socket'), fresh: boolean(), hold: boolean() }) },
];

const usual: readonly fc.WeightedArbitrary<Step>[] = [
  {
    weight: 7,
    arbitrary: record({
      do: constant('publish'),
      count: integer({ min: 1, max: 4 }),
      bytes: constantFrom(0, 0, 100, 2_000),
    }),
  },
  ...connects,
  { weight: 3, arbitrary: record({ do: constant('stream'), via: way, fresh: boolean() }) },
  { weight: 2, arbitrary: record({ do: constant('say'), via: way, fresh: boolean() }) },
  { weight: 5, arbitrary: one('dark') },
  { weight: 4, arbitrary: one('recover') },
  { weight: 2, arbitrary: one('leave') },
  {
    weight: 4,
    arbitrary: record({ do: constant('trickle'), which: nat(), bytes: constantFrom(1, 30, 200, 500, 3_000) }),
  },
  {
    weight: 2,
    arbitrary: record({ do: constant('cut'), which: nat(), how: constantFrom('reset', 'end') }),
  },
  { weight: 2, arbitrary: one('stall', 'grant') },
  { weight: 2, arbitrary: one('arrive late') },
  { weight: 3, arbitrary: record({ do: constant('time'), ms: constantFrom(10, 250, 1_000, 30_000) }) },
  { weight: 3, arbitrary: record({ do: constant('turns'), count: integer({ min: 1, max: 3 }) }) },
];

const schedules = fc.array(fc.oneof(...usual), { maxLength: 60, size: 'max' });

const sizes = { maxFlushBytes: constantFrom(600, 512_000), maxBufferedBytes: constantFrom(1_000, 262_144) };
const retry = constantFrom('at once' as const, 'with the same id' as const);
const window = constantFrom(100, 1_000, 65_535);
const rooms = constantFrom(0, 100, 700, 5_000, 1_000_000);

/** Where the network has no room, what was handed over was read, so that any client may rely on it. */
export const kinds = {
  'without ack': record({
    delivery: constant('unflushed'),
    listens: constantFrom('all', 'last'),
    room: constant(0),
    window,
    retry,
    ...sizes,
  }),
  'with lost replies sent again, over links that lose nothing they took': record({
    delivery: constant('resend'),
    listens: constantFrom('all', 'last'),
    room: constant(0),
    window,
    retry,
    ...sizes,
  }),
  'with lost replies sent again': record({
    delivery: constant('resend'),
    listens: constant('last'),
    room: rooms,
    window,
    retry,
    ...sizes,
  }),
  'with ack': record({
    delivery: constant('ack'),
    listens: constant('last'),
    room: rooms,
    window,
    retry,
    ...sizes,
  }),
} satisfies Record<string, fc.Arbitrary<Kind>>;

type Change =
  | { readonly do: 'dark' | 'recover' | 'leave'; readonly which: number }
  /** A part of what waits passes. */
  | { readonly do: 'trickle'; readonly which: number; readonly bytes: number }
  | { readonly do: 'cut'; readonly which: number; readonly how: 'reset' | 'end' };

interface Heard {
  readonly data: number;
  readonly marked: boolean;
}

/** One server with all its doors, reached by links alone. */
class Doors {
  readonly clock = new FakeClock();
  readonly server: Server;
  readonly http: HttpServer;
  readonly http2: Http2Server;

  constructor({ delivery, maxFlushBytes, maxBufferedBytes }: Kind) {
    this.server = new Server({
      clock: this.clock,
      transports: ['websocket', 'eventsource', 'long-polling'],
      maxInterval: 1_000_000_000,
      redelivery: delivery === 'resend' ? 'resend' : 'unflushed',
      maxFlushBytes,
      // A batch that takes several frames may come in part, and then again as a whole (AK-8).
      websocket: { maxBufferedBytes, maxFlushBytes: delivery === 'ack' ? 10_000_000 : maxFlushBytes },
    });
    this.http = createServer(bayeux(this.server, { path: '/bayeux' }));
    this.http2 = createHttp2Server(bayeux(this.server, { path: '/bayeux' }));
    this.server.attachUpgrades(this.http, { path: '/bayeux' });
  }
}

/** A connect whose answer is to come, and by which link. */
interface Awaited {
  readonly id: string;
  readonly link: Link;
}

/** A client with ever new ways to the server. */
class Model {
  readonly published: number[] = [];
  /** What it read, in order. */
  readonly heard: Heard[] = [];
  readonly #kind: Kind;
  readonly #doors: Doors;
  readonly #links: Link[] = [];
  readonly #connections: { readonly h1: Http1[]; readonly h2: Http2[] } = { h1: [], h2: [] };
  #socket: BareWebSocket | undefined;
  /** Where it went last to get events. */
  #newest: Link | undefined;
  #clientId = '';
  #lastId = 0;
  /** The connect that a client which listens to one way waits for. */
  #awaited: Awaited | undefined;
  #hasFailed = false;
  #connectId = '';
  #acknowledged = 0;

  constructor(kind: Kind, doors: Doors) {
    this.#kind = kind;
    this.#doors = doors;
  }

  /** Shakes hands, and subscribes. */
  async open(): Promise<void> {
    const supportedConnectionTypes = ['websocket', 'eventsource', 'long-polling'];
    const ext = this.#kind.delivery === 'ack' ? { ext: { ack: true } } : {};
    const first = this.#connection('h1', false);
    this.#ask(first, { messages: [handshake({ supportedConnectionTypes, ...ext })] });
    await settle();
    this.#ask(first, { messages: [this.#message('/meta/subscribe', { subscription: '/news' })] });
    await settle();
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let at = 0; at < step.count; at += 1) this.#publish(step.bytes);
        return;
      case 'poll':
        return this.#poll(step.via, step.fresh, step.hold, step.beats);
      case 'socket':
        return this.#connectBySocket(step.fresh, step.hold);
      case 'stream':
        return this.#stream(step.via, step.fresh);
      case 'say':
        return this.#say(step.via, step.fresh);
      case 'turns':
        return settle(step.count);
      case 'time':
        // Time stands still while bytes are on their way.
        await settle(10);
        return this.#doors.clock.tick(step.ms);
      case 'stall':
      case 'grant':
        return pick(this.#connections.h2, step.which)?.[step.do]();
      case 'arrive late':
        return this.#arriveLate(step.which);
      default:
        return this.#change(step);
    }
  }

  /** What has been asked has come, unless the link is dark. */
  async arrive(): Promise<void> {
    if (this.#isRetainedOnly) await settle(6);
  }

  /** Nothing goes wrong any more: the client polls until all has come. */
  async calmDown(): Promise<void> {
    for (const link of this.#open) this.#brighten(link, Number.POSITIVE_INFINITY);
    await settle(6);
    for (let more = 0; more < 50 && this.#firsts.length < this.published.length; more += 1) {
      this.#poll('h1', true, false, false);
      await settle(10);
      await this.#doors.clock.tick(1_000);
    }
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.cut('reset');
    await this.#doors.server.close();
  }

  check(): void {
    const { delivery } = this.#kind;
    let next = 0;
    for (const { data, marked } of this.heard) {
      if (data === next) next += 1;
      else if (data > next) expect.fail(`${data} came, and ${next} had not come yet`);
      else if (!marked) expect.fail(`${data} came again, and did not say so`);
    }
    expect(next, 'all came').toBe(this.published.length);
    if (delivery === 'ack') expect(this.heard.filter(({ marked }) => marked)).toEqual([]);
  }

  get #firsts(): number[] {
    return [...new Set(this.heard.map(({ data }) => data))];
  }

  #publish(bytes: number): void {
    const data = this.published.length;
    this.published.push(data);
    void this.#doors.server.publish('/news', [data, 'x'.repeat(bytes)]);
  }

  #poll(via: Way, fresh: boolean, hold: boolean, beats: boolean): void {
    this.#forget();
    if (this.#isFickle) this.#socket?.link.leave();
    const connection = this.#connection(via, fresh);
    const connect = this.#connect(beats && this.#mayStream ? 'eventsource' : 'long-polling', hold);
    const awaited = { id: String(connect.id), link: connection.link };
    this.#awaited = awaited;
    this.#newest = connection.link;
    this.#ask(connection, { messages: [connect] }, () => this.#lost(awaited));
  }

  #connectBySocket(fresh: boolean, hold: boolean): void {
    this.#forget();
    const socket = this.#socketToUse(fresh);
    const connect = this.#connect('websocket', hold);
    this.#awaited = { id: String(connect.id), link: socket.link };
    this.#newest = socket.link;
    socket.say([connect]);
  }

  #socketToUse(fresh: boolean): BareWebSocket {
    const known = this.#socket;
    if (!fresh && known?.link.isOpen) return known;
    if (this.#isFickle) known?.link.leave();
    const socket: BareWebSocket = new BareWebSocket(this.#doors.http, this.#kind.room, {
      batch: (messages) => this.#hear(messages),
      over: () => this.#lostBy(socket.link),
    });
    this.#links.push(socket.link);
    this.#socket = socket;
    return socket;
  }

  #stream(via: Way, fresh: boolean): void {
    if (!this.#mayStream) return;
    const connection = this.#connection(via, fresh);
    this.#newest = connection.link;
    this.#ask(connection, { streamOf: this.#clientId });
  }

  #say(via: Way, fresh: boolean): void {
    const message = this.#message('/elsewhere', { data: 0 });
    this.#ask(this.#connection(via, fresh), { messages: [message] });
  }

  #ask(connection: Asking, ask: Ask, over: () => void = () => {}): void {
    connection.ask(ask, { batch: (messages) => this.#hear(messages), over });
  }

  #connection(via: Way, fresh: boolean): Asking {
    const { h1, h2 } = this.#connections;
    const known = (via === 'h1' ? h1 : h2).findLast(
      ({ link, busy }) => link.isOpen && this.#mayShare(via, link, busy),
    );
    if (known !== undefined && !fresh) return known;
    const { http, http2 } = this.#doors;
    const { room, window } = this.#kind;
    const connection = via === 'h1' ? new Http1(http, room) : new Http2(http2, room, window);
    if (connection instanceof Http1) h1.push(connection);
    else h2.push(connection);
    this.#links.push(connection.link);
    return connection;
  }

  // A connection of HTTP/1.1 answers in order, so that one which is busy is for clients that wait for nothing.
  #mayShare(via: Way, link: Link, busy: number): boolean {
    return via === 'h2' ? !link.isDark : busy === 0 || !this.#isFickle;
  }

  #connect(connectionType: string, hold: boolean): Wire {
    const { retry, delivery } = this.#kind;
    const isAgain = this.#hasFailed && retry === 'with the same id';
    if (!isAgain) this.#connectId = this.#nextId();
    const comesAgain = this.#hasFailed && retry === 'at once';
    // Where it would say that a reply was lost, it is said by no other connect.
    const atOnce = comesAgain || (!hold && delivery !== 'resend');
    return {
      id: this.#connectId,
      channel: '/meta/connect',
      clientId: this.#clientId,
      connectionType,
      ...(atOnce && { advice: { timeout: 0 } }),
      ...(delivery === 'ack' && { ext: { ack: this.#acknowledged } }),
    };
  }

  #message(channel: string, fields: Wire): Wire {
    return { id: this.#nextId(), channel, clientId: this.#clientId, ...fields };
  }

  #nextId(): string {
    this.#lastId += 1;
    return `${this.#lastId}`;
  }

  #hear(messages: readonly Wire[]): void {
    for (const message of messages) {
      if (message.channel === '/news') this.#note(message);
      else if (message.channel === '/meta/connect') this.#answered(message);
      else if (message.channel === '/meta/handshake') this.#clientId = String(message.clientId);
    }
  }

  #note({ data, ext }: Wire): void {
    const [number] = data as [number];
    this.heard.push({ data: number, marked: JSON.stringify(ext)?.includes('"redelivered":true') === true });
  }

  #answered({ id, successful, ext }: Wire): void {
    if (id !== this.#awaited?.id) return;
    this.#awaited = undefined;
    this.#hasFailed = successful !== true;
    const batch = (ext as Wire | undefined)?.ack;
    if (typeof batch === 'number') this.#acknowledged = batch;
  }

  /** It sends a connect, and no longer waits for the one before. */
  #forget(): void {
    if (this.#awaited === undefined) return;
    const { link } = this.#awaited;
    if (this.#isFickle) link.leave();
    this.#lost(this.#awaited);
  }

  #lostBy(link: Link): void {
    if (this.#awaited?.link === link) this.#lost(this.#awaited);
  }

  #lost(awaited: Awaited): void {
    if (this.#awaited !== awaited) return;
    this.#awaited = undefined;
    this.#hasFailed = true;
  }

  /** Whether it leaves one way when it takes another. */
  get #isFickle(): boolean {
    return this.#kind.listens === 'last';
  }

  // What the network has taken of a stream is lost with it (DL-13).
  get #mayStream(): boolean {
    return !this.#isRetainedOnly;
  }

  // A late connect would come in between those that show a loss (DL-13).
  #arriveLate(which: number): void {
    if (!this.#isRetainedOnly) this.#links[which % this.#links.length]?.arriveLate();
  }

  /** Whether what the network has taken and lost comes again only when a connect shows the loss. */
  get #isRetainedOnly(): boolean {
    return this.#kind.delivery === 'resend' && this.#kind.room > 0;
  }

  async #change(step: Change): Promise<void> {
    const link = this.#open[step.which % this.#open.length];
    if (link === undefined) return;
    if (step.do === 'recover') return this.#brighten(link, Number.POSITIVE_INFINITY);
    if (step.do === 'dark') return link.darken();
    if (step.do === 'trickle') return this.#brighten(link, step.bytes);
    // First the server hears that what was read has left.
    await settle(6);
    if (step.do === 'cut') return link.cut(step.how);
    link.leave();
    this.#lostBy(link);
  }

  // What a connection of HTTP/2 has taken of an answer cannot be called back when the answer is overtaken, since the connection goes on:
  // a client does not go back to one that was dark from a newer way.
  #brighten(link: Link, bytes: number): void {
    const isOlder =
      this.#connections.h2.some((one) => one.link === link && one.busy > 0) && link !== this.#newest;
    if (isOlder && link.isDark) link.leave();
    else link.trickle(bytes);
  }

  get #open(): Link[] {
    return this.#links.filter(({ isOpen }) => isOpen);
  }
}

function pick<T extends { readonly link: Link }>(all: readonly T[], which: number): T | undefined {
  const open = all.filter(({ link }) => link.isOpen);
  return open[which % open.length];
}

/** One round, as the model found or may find it. */
export async function play(kind: Kind, schedule: readonly Step[]): Promise<void> {
  const model = new Model(kind, new Doors(kind));
  await model.open();
  for (const step of schedule) {
    await model.run(step);
    await model.arrive();
  }
  await model.calmDown();
  await model.close();
  model.check();
}

/** So many schedules for a kind of client: each event arrives, in order, and twice only where marked. The same ones with the same seed. */
export async function carriersKeepOrder(
  runs: number,
  kind: fc.Arbitrary<Kind>,
  how: { readonly seed?: number } = {},
): Promise<void> {
  await fc.assert(fc.asyncProperty(kind, schedules, play), { numRuns: runs, ...how });
}
