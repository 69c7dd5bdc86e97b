import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectOf, post } from '../support/bayeux-http.ts';
import type { Wire } from '../transports/websocket-client.ts';
import { patience, session } from './columns.ts';
import { type Hosting, host } from './host.ts';

/**
 * What may happen: so many events are published; the client polls; it asks, and the answer is lost on its way; it hangs up while its connect is
 * held; a connect comes once more; an event wakes a held connect; the client forgets all but the id of the last event, as a page that is
 * loaded anew.
 */
type Step = { readonly do: 'publish'; readonly count: number } | { readonly do: Act };
type Act = 'poll' | 'lose' | 'hang up' | 'repeat' | 'hold' | 'reload';

const schedules = (...acts: readonly Act[]) =>
  fc.array(
    fc.oneof(
      fc.record({ do: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constantFrom(...acts) }),
    ),
    { maxLength: 15 },
  );

/** A client of long-polling, each of whose requests has a connection of its own. */
class Model {
  readonly published: number[] = [];
  readonly got: number[] = [];
  readonly #place: Hosting;
  readonly #channel: string;
  readonly #ext: object;
  #clientId = '';
  #ids = 0;
  #ack: unknown = 0;
  // All there is.
  #position = -2;
  #last: Wire | undefined;

  constructor(place: Hosting, channel: string, ext: object) {
    this.#place = place;
    this.#channel = channel;
    this.#ext = ext;
  }

  async open(): Promise<void> {
    const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
    const [welcome] = await this.#send({ channel: '/meta/handshake', ...types, ext: this.#ext });
    this.#clientId = String(welcome?.clientId);
    this.#ack = 0;
    this.#last = undefined;
    const ext = { replay: { [this.#channel]: this.#position } };
    await this.#send({ ...this.#message('/meta/subscribe'), subscription: this.#channel, ext });
    await this.#poll();
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        for (let more = 0; more < step.count; more += 1) await this.#publish();
        return;
      case 'poll':
        return this.#poll();
      case 'lose':
        return void (await this.#send(this.#connect({ timeout: 0 })));
      case 'repeat':
        return void (this.#last && (await this.#send({ ...this.#last, advice: { timeout: 0 } })));
      case 'hang up':
        return this.#hangUp();
      case 'hold':
        return this.#hold();
      case 'reload':
        await this.close();
        return this.open();
    }
  }

  /** Polls until all has come. */
  async calmDown(): Promise<void> {
    for (let polls = 0; polls < 50 && this.got.length < this.published.length; polls += 1) await this.#poll();
    await this.#poll();
  }

  async close(): Promise<void> {
    await this.#send(this.#message('/meta/disconnect'));
  }

  async #publish(): Promise<void> {
    this.published.push(this.published.length);
    await this.#place.server.publish(this.#channel, this.published.at(-1));
  }

  async #poll(): Promise<void> {
    this.#take(await this.#send(this.#connect({ timeout: 0 })));
  }

  async #hangUp(): Promise<void> {
    const leaving = new AbortController();
    const held = this.#send(this.#connect(), leaving.signal).then(
      (messages) => this.#take(messages),
      () => {},
    );
    await Promise.race([held, this.#is('held')]);
    leaving.abort();
    await held;
    // The server has to know: what is sent to a connection that looks alive counts as delivered, without acknowledgements.
    await this.#is('idle');
  }

  async #hold(): Promise<void> {
    const held = this.#send(this.#connect());
    await Promise.race([held, this.#is('held')]);
    await this.#publish();
    this.#take(await held);
  }

  // A connect that is held while events wait is about to be answered.
  async #is(wanted: 'held' | 'idle'): Promise<void> {
    const isSo = () => {
      const { state, waiting } = session(this.#place.server);
      return state === wanted && (wanted === 'idle' || waiting === 0);
    };
    await expect.poll(isSo, { ...patience, interval: 1 }).toBe(true);
  }

  #take(messages: readonly Wire[]): void {
    for (const { channel, data, ext } of messages) {
      const { ack, replayId } = (ext ?? {}) as { ack?: unknown; replayId?: unknown };
      if (channel === this.#channel) {
        this.got.push(Number(data));
        if (typeof replayId === 'number') this.#position = replayId;
      } else if (channel === '/meta/connect' && ack !== undefined) this.#ack = ack;
    }
  }

  #connect(advice?: object): Wire {
    const ext = { ack: this.#ack };
    this.#last = connectOf(this.#clientId, { ...this.#message('/meta/connect'), ext });
    return advice === undefined ? this.#last : { ...this.#last, advice };
  }

  #message(channel: string): Wire {
    this.#ids += 1;
    return { channel, id: String(this.#ids), clientId: this.#clientId };
  }

  async #send(message: object, signal?: AbortSignal): Promise<Wire[]> {
    if (signal === undefined) return post(this.#place.url, message);
    const body = JSON.stringify([message]);
    const response = await fetch(this.#place.url, { method: 'POST', body, signal });
    return (await response.json()) as Wire[];
  }
}

async function holds(place: Hosting, ext: object, acts: readonly Act[]): Promise<void> {
  let runs = 0;
  const keeps = async (schedule: readonly Step[]) => {
    runs += 1;
    const model = new Model(place, `/d/${runs}`, ext);
    await model.open();
    for (const step of schedule) await model.run(step);
    await model.calmDown();
    await model.close();
    expect(model.got).toEqual(model.published);
  };
  await fc.assert(fc.asyncProperty(schedules(...acts), keeps), { numRuns: 30 });
}

const settings = { channels: { '/d/**': { history: true } }, multiSessionInterval: 0 };

describe('a client gets every event, in order and once', { timeout: 180_000 }, () => {
  it('with acknowledgements, whatever is lost, late or doubled', async () => {
    const place = await host({ ...settings, channels: {} });
    await holds(place, { ack: true }, ['poll', 'lose', 'hang up', 'repeat', 'hold']);
  });

  it('with positions, however often its page is loaded anew', async () => {
    await holds(await host(settings), {}, ['poll', 'hang up', 'hold', 'reload']);
  });
});

it('a client that does not come gets what the overflow rule of the channel keeps', async () => {
  const place = await host({ channels: { '/a': { overflow: { action: 'dropOldest', maxEvents: 2 } } } });
  const types = { version: '1.0', supportedConnectionTypes: ['long-polling'] };
  const [welcome] = await post(place.url, { channel: '/meta/handshake', ...types });
  const clientId = String(welcome?.clientId);
  const connect = connectOf(clientId, { advice: { timeout: 0 } });
  await post(place.url, connect);
  await post(place.url, { channel: '/meta/subscribe', clientId, subscription: '/a' });
  for (const data of [1, 2, 3, 4, 5]) await place.server.publish('/a', data);
  const brought = await post(place.url, connect);
  expect(brought.flatMap(({ data }) => (data === undefined ? [] : [data]))).toEqual([4, 5]);
});
