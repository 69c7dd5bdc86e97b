import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import type { Transport } from './check.ts';
import type { EventStream } from './event-stream.ts';
import { EventSourceLink, type Link, openLink, type Sent } from './link.ts';
import { eventOf, type Fields, isEvent, type Message, succeeded } from './message.ts';
import type { Target } from './target.ts';

export interface Opening {
  readonly transport?: Transport;
  readonly headers?: OutgoingHttpHeaders;
  /** Fields added to the handshake. */
  readonly handshake?: Fields;
  /** Stops after the handshake. */
  readonly connect?: false;
}

/** A session over the check's transport, or another one, handshaken and connected once. */
export async function open(target: Target, opening: Opening = {}): Promise<Client> {
  const { transport = target.transport, headers, handshake } = opening;
  const link = await openLink(target, transport, headers);
  const client = await shake(target, link, handshake);
  if (opening.connect === false) return client;
  succeeded(await client.connect({ advice: { timeout: 0 } }));
  if (link instanceof EventSourceLink) client.stream = await link.listen(client.clientId);
  return client;
}

/** A session that publishes, and is not what the check is about. */
export const openOther = (target: Target): Promise<Client> => open(target, { transport: 'long-polling' });

/** The request that begins a session. */
export const handshakeOf = (target: Target, fields: Fields = {}): Fields => ({
  id: target.nextId(),
  channel: '/meta/handshake',
  version: '1.0',
  supportedConnectionTypes: [target.transport],
  ...fields,
});

/** Sends one request over a link of its own. */
export async function answerTo(target: Target, request: Fields): Promise<Message> {
  const link = await openLink(target, target.transport);
  const [reply = {}] = await link.send([request]).messages;
  return reply;
}

/** Begins another session on a link. */
export async function shake(target: Target, link: Link, fields: Fields = {}): Promise<Client> {
  const request = handshakeOf(target, { supportedConnectionTypes: [link.transport], ...fields });
  const [reply = {}] = await link.send([request]).messages;
  return new Client(target, link, succeeded(reply).clientId);
}

/** Goes on with a session over a new link. */
export async function resume(target: Target, client: Client, transport: Transport): Promise<Client> {
  return new Client(target, await openLink(target, transport, client.link.headers), client.clientId);
}

type Event = ReturnType<typeof eventOf>;

/** One Bayeux session as its client sees it. */
export class Client {
  readonly clientId: unknown;
  readonly link: Link;
  stream: EventStream | undefined;
  readonly #target: Target;
  #held: Sent | undefined;

  constructor(target: Target, link: Link, clientId: unknown) {
    this.#target = target;
    this.link = link;
    this.clientId = clientId;
  }

  message(channel: string, fields: Fields = {}): Fields {
    return { id: this.#target.nextId(), channel, clientId: this.clientId, ...fields };
  }

  /** Sends one message and returns its reply. */
  async call(channel: string, fields: Fields = {}): Promise<Message> {
    return this.ask(this.message(channel, fields));
  }

  async ask(message: Fields): Promise<Message> {
    const [reply] = await this.batch(message);
    assert(reply, 'no reply');
    return reply;
  }

  /** Sends messages in one batch and returns the replies, in the order of the requests. */
  async batch(...messages: Fields[]): Promise<Message[]> {
    const answer = await this.link.send(messages).messages;
    const replies = answer.filter((message) => !isEvent(message));
    assert.equal(replies.length, messages.length, `${messages.length} requests: ${JSON.stringify(answer)}`);
    return messages.map(({ id }, at) => replies.find((reply) => reply.id === id) ?? replies[at] ?? {});
  }

  connectRequest(fields: Fields = {}): Fields {
    return this.message('/meta/connect', { connectionType: this.link.transport, ...fields });
  }

  connect(fields: Fields = {}): Promise<Message> {
    return this.ask(this.connectRequest(fields));
  }

  async subscribe(subscription: string | readonly string[]): Promise<Message> {
    return succeeded(await this.call('/meta/subscribe', { subscription }));
  }

  async unsubscribe(subscription: string | readonly string[]): Promise<Message> {
    return succeeded(await this.call('/meta/unsubscribe', { subscription }));
  }

  async publish(channel: string, data: unknown, fields: Fields = {}): Promise<Message> {
    return succeeded(await this.call(channel, { data, ...fields }));
  }

  /** Publishes each in one batch, in order. */
  async publishAll(channel: string, data: readonly unknown[]): Promise<void> {
    const replies = await this.batch(...data.map((one) => this.message(channel, { data: one })));
    for (const reply of replies) succeeded(reply);
  }

  /** Sends a connect that the server is to hold, and goes on once it must have seen it. */
  async hold(fields: Fields = {}): Promise<Sent & { readonly request: Fields }> {
    const request = this.connectRequest(fields);
    const held = this.link.send([request]);
    this.#held = held;
    await this.#target.settle();
    return { ...held, request };
  }

  /** Fails unless the connect is still held: then the disconnect is what ends it. */
  async provesHeld(held: Sent): Promise<void> {
    await this.#target.settle();
    assert(!held.answered(), 'the connect was not held');
    succeeded(await this.call('/meta/disconnect'));
    const [reply = {}, ...more] = await held.messages;
    assert.equal(succeeded(reply).channel, '/meta/connect');
    assert.deepEqual(more, []);
  }

  /** Waits for so many events, connecting where they do not come by themselves, and takes them. */
  async take(count: number): Promise<Event[]> {
    await this.#seek((events) => events.length >= count);
    return this.link.inbox.items.splice(0, count).map(eventOf);
  }

  /** All events that were on their way when asked: they come before one that is published now (DL-2). */
  async drain(from: Client): Promise<Event[]> {
    const fence = this.#target.channel(`fence${this.#target.nextId()}`);
    const subscribe = this.message('/meta/subscribe', { subscription: fence });
    const publish = from.message(fence, { data: 'fence' });
    const replies =
      from === this
        ? await this.batch(subscribe, publish)
        : [await this.ask(subscribe), await from.ask(publish)];
    for (const reply of replies) succeeded(reply);
    await this.#seek((events) => events.some(({ channel }) => channel === fence));
    return this.link.inbox.items
      .splice(0)
      .map(eventOf)
      .filter(({ channel }) => channel !== fence);
  }

  async #seek(found: (events: readonly Message[]) => boolean): Promise<void> {
    if (this.link.pushes) return this.link.inbox.until(found);
    await this.#held?.messages.catch(() => undefined);
    while (!found(this.link.inbox.items)) succeeded(await this.connect({ advice: { timeout: 1000 } }));
  }
}
