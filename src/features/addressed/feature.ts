import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { allOf, isPromise, type MaybePromise } from '../../lib/maybe-promise.ts';
import { randomHex } from '../../lib/random-hex.ts';
import { UsageError } from '../../lib/usage-error.ts';
import type { Conduit } from '../../ports/conduit.ts';
import type {
  Feature,
  FeatureHook,
  FeatureHost,
  FeatureModule,
  PeersAbout,
  Records,
  ServedSession,
} from '../../ports/feature.ts';
import { OutgoingEvent, type OverflowRule } from '../../ports/outgoing-event.ts';
import { errors } from '../../protocol/errors.ts';
import { isObject, type JsonObject, type PublishRequest, type ReplyFields } from '../../protocol/message.ts';
import { Arrivals } from './arrivals.ts';
import { deliverElsewhere, type Elsewhere, nodeOf } from './elsewhere.ts';
import { KeptMessages } from './kept-messages.ts';
import { Message, type Outcome } from './message.ts';
import { addressedOptions, type AddressedRule, type Addressing } from './options.ts';
import { ReadReceipts, type Reads } from './read-receipts.ts';
import { Receiver } from './receiver.ts';
import { type AddressedRequest, readRequest } from './request.ts';

/** How long another node may take to be told. Milliseconds. */
const PATIENCE = 500;

/** The channel on which senders learn what became of their messages. */
const RECEIPTS = '/service/receipt';

/** The rule of a channel, as far as addressed messages need it. */
type Rule = AddressedRule & {
  readonly volatile?: boolean | undefined;
  readonly overflow?: OverflowRule | undefined;
};

type AddressedParts = {
  readonly rules: { readonly byPattern: Readonly<Record<string, Rule>>; of(channel: string): Rule };
  readonly clock: Clock;
  readonly log: Log;
};

/** A publish to an addressed channel. */
interface Sending {
  readonly request: PublishRequest;
  readonly session: ServedSession;
  readonly conduit: Conduit;
  readonly sent: AddressedRequest;
  readonly addressing: Addressing;
  readonly rule: Rule;
}

/** Delivers what clients publish to addressed channels to the sessions of the named users, and to no others (AD-1 to AD-7). */
class Addressed implements Feature {
  readonly name = 'addressed';
  readonly #parts: AddressedParts;
  readonly #receivers = new WeakMap<ServedSession, Receiver>();
  readonly #byUser = new Map<string, Set<Receiver>>();
  readonly #reads: ReadReceipts;
  #host: FeatureHost | undefined;
  #kept: KeptMessages | undefined;
  #peers: PeersAbout | undefined;
  #arrivals: Arrivals | undefined;

  constructor(parts: AddressedParts) {
    this.#parts = parts;
    this.#reads = new ReadReceipts(parts.clock, (id, notice) =>
      this.#host?.session(id)?.deliver(RECEIPTS, notice),
    );
  }

  readonly start = (host: FeatureHost): void => {
    this.#host = host;
    this.#peers = host.peersOf(this.name);
    this.#startKeeping(host.records);
    if (this.#peers !== undefined) this.#arrivals = this.#makeArrivals(host, this.#peers);
  };

  readonly asked: FeatureHook<'asked'> = (question) => this.#arrivals?.asked(question);

  #startKeeping(records: Records | undefined): void {
    const keeps = Object.values(this.#parts.rules.byPattern).some((rule) => rule.records !== undefined);
    if (!keeps || records === undefined) return;
    const connected = (user: string) =>
      [...(this.#byUser.get(user) ?? [])].filter(({ hasConnected, isGone }) => hasConnected && !isGone);
    const reads = { read: (...read: Parameters<Reads['read']>) => this.#read(...read) };
    this.#kept = new KeptMessages({ ...this.#parts, records, reads, connected });
  }

  #makeArrivals(host: FeatureHost, peers: PeersAbout): Arrivals {
    const { clock, rules } = this.#parts;
    return new Arrivals({
      ...{ clock, host, peers, kept: this.#kept },
      reads: { read: (...read) => this.#read(...read) },
      receiver: (id) => this.#receiverOf(id, host),
      overflowOf: (channel) => rules.of(channel).overflow,
    });
  }

  // The node of the sender knows who wants to hear of it.
  #read(id: string, user: string, sender?: string): void {
    const node = sender && this.#peers && nodeOf(sender, this.#peers.nodes);
    if (node) this.#peers?.ask(node, { read: { id, user } }, PATIENCE).catch(() => {});
    else this.#reads.read(id, user);
  }

  readonly attach: FeatureHook<'attach'> = (session) => {
    if (session.user === undefined) return [];
    const receiver = new Receiver(session, session.user.id, this);
    this.#receivers.set(session, receiver);
    const { user } = receiver;
    this.#byUser.set(user, (this.#byUser.get(user) ?? new Set()).add(receiver));
    return [receiver];
  };

  // A session without connects may not listen yet when it opens: it gets no kept messages.
  connected(receiver: Receiver): MaybePromise<void> {
    return this.#kept?.bring(receiver);
  }

  hasRoom(receiver: Receiver): void {
    this.#kept?.hasRoom(receiver);
  }

  closed(receiver: Receiver): void {
    const others = this.#byUser.get(receiver.user);
    others?.delete(receiver);
    if (others?.size === 0) this.#byUser.delete(receiver.user);
    this.#kept?.closed(receiver);
  }

  // An addressed channel has no subscribers: an event without receivers would reach nobody.
  readonly accepting: FeatureHook<'accepting'> = ({ channel }) => {
    if (this.#parts.rules.of(channel).addressed)
      throw new UsageError(
        `"${channel}" is an addressed channel, which needs receivers: write server.user('ann').deliver('${channel}', …)`,
      );
    return undefined;
  };

  readonly answering: FeatureHook<'answering'> = (request, session, conduit) => {
    const { channel, data } = request;
    const rule = this.#parts.rules.of(channel);
    const { addressed: addressing } = rule;
    // Nobody but the server speaks on the channel of receipts.
    if (!addressing || channel === RECEIPTS) return undefined;
    if (session === undefined) throw errors.sessionUnknown();
    const sent = readRequest(channel, data, addressing);
    return () => this.#send({ request, session, conduit, sent, addressing, rule });
  };

  async #send(sending: Sending): Promise<ReplyFields> {
    const host = this.#host;
    if (host === undefined) return { successful: true };
    const { session, sent } = sending;
    const allowed = await this.#allowed(sending, host);
    if (session.state === 'gone') throw errors.sessionUnknown();
    const message = new Message(randomHex(16), this.#reads, this.#kept);
    if (sent.wantsRead) this.#reads.expect(message.id, session.id, allowed, sent.ref);
    const event = this.#eventOf(sending, message);
    // Without a promise if the directory makes none: messages of two calls then keep their order.
    const found = allOf(allowed.map((user) => host.directory.sessionsOf(user)));
    const ids = (isPromise(found) ? await found : found).flat();
    const behind = this.#deliver(event, message, ids, sending, host);
    const remote = this.#deliverElsewhere(event, message, ids, sending);
    if (sending.addressing.copy) await this.#copy(sending, message.id, allowed, host);
    if (sent.receipts === false && sending.addressing.ttl === 0) {
      message.answered();
      return { successful: true };
    }
    await message.settled(this.#parts.clock);
    const elsewhere = await remote;
    for (const user of elsewhere?.delivered ?? []) message.delivered.add(user);
    for (const user of elsewhere?.behind ?? []) behind.add(user);
    const kept = await this.#keep(event, message, allowed, behind, sending, elsewhere);
    const outcomes = outcomesOf(sent.receivers, allowed, kept, message, elsewhere?.queued ?? []);
    message.answered();
    return this.#answer(sending, message, outcomes);
  }

  // AD-4. All receivers are asked about at once.
  async #allowed(
    { request, session, conduit, sent }: Sending,
    host: FeatureHost,
  ): Promise<readonly string[]> {
    const asked = sent.receivers.map((to) => host.canSend(request, session, conduit, to, sent.payload));
    const answers = allOf(asked);
    const all = isPromise(answers) ? await answers : answers;
    return sent.receivers.filter((_to, at) => all[at] === true);
  }

  // AD-3: the sender, the id and nothing else but the payload.
  #eventOf({ request, session, sent, rule }: Sending, message: Message): OutgoingEvent {
    const data = { from: senderOf(session), payload: sent.payload, id: message.id };
    const { overflow } = rule;
    return new OutgoingEvent(
      { channel: request.channel, data },
      { volatile: isVolatile(sent, rule), overflow, tag: message },
    );
  }

  /** Queues the event for the sessions of its receivers. Returns those for whom a session has to get older messages first. */
  #deliver(
    event: OutgoingEvent,
    message: Message,
    ids: readonly string[],
    { addressing }: Sending,
    host: FeatureHost,
  ): Set<string> {
    const receivers = ids.flatMap((id) => this.#receiverOf(id, host) ?? []);
    const behind = new Set<string>();
    const now: Receiver[] = [];
    for (const receiver of receivers) {
      if (addressing.ttl > 0 && !event.volatile && this.#kept?.isBehind(receiver)) behind.add(receiver.user);
      else now.push(receiver);
    }
    host.deliver(
      now.map((receiver) => ({ id: receiver.session.id, queue: () => message.queueTo(receiver, event) })),
      event,
    );
    return behind;
  }

  /** Takes the message to the sessions of other nodes. */
  #deliverElsewhere(
    event: OutgoingEvent,
    message: Message,
    ids: readonly string[],
    { session, sent, addressing }: Sending,
  ): Promise<Elsewhere> | undefined {
    const { channel, data } = event.message;
    if (this.#peers === undefined || !isObject(data)) return undefined;
    const keeps = addressing.ttl > 0 && !event.volatile;
    const reader = sent.wantsRead ? { reader: session.id } : {};
    const { volatile } = event;
    return deliverElsewhere(
      ids,
      { channel, data, message: message.id, volatile, keeps, ...reader },
      this.#peers,
    );
  }

  async #copy(
    { request, session, sent, rule }: Sending,
    id: string,
    users: readonly string[],
    host: FeatureHost,
  ): Promise<void> {
    const { user } = session;
    if (user === undefined || users.includes(user.id)) return;
    const ids = await host.directory.sessionsOf(user.id);
    const sessions = ids.flatMap((id) => this.#receiverOf(id, host)?.session ?? []);
    const { receivers, payload } = sent;
    const data = { from: senderOf(session), receivers, payload, id };
    const event = new OutgoingEvent({ channel: request.channel, data }, { volatile: isVolatile(sent, rule) });
    host.deliver(
      sessions.filter((other) => other !== session),
      event,
    );
    const { volatile } = event;
    const parcel = { channel: request.channel, data, volatile, keeps: false };
    if (this.#peers !== undefined) void deliverElsewhere(ids, parcel, this.#peers);
  }

  /** Keeps the message for receivers who do not have it. Returns those for whom it is kept. */
  async #keep(
    event: OutgoingEvent,
    message: Message,
    users: readonly string[],
    behind: ReadonlySet<string>,
    { addressing, request, sent, session }: Sending,
    elsewhere: Elsewhere | undefined,
  ): Promise<ReadonlySet<string>> {
    const kept = this.#kept;
    if (kept === undefined || addressing.ttl === 0 || event.volatile) return new Set();
    const missed = users.filter((user) => behind.has(user) || !message.delivered.has(user));
    const reader =
      sent.wantsRead && this.#peers !== undefined ? `,"reader":${JSON.stringify(session.id)}` : '';
    const json = `{"until":${this.#parts.clock.now() + addressing.ttl},"event":${event.json}${reader}}`;
    const room = kept.roomFor(event.bytes);
    if (missed.length > room)
      this.#host?.refusals.note(
        'addressed.not_kept',
        {
          option: 'channels',
          channel: request.channel,
          why: `one message may take 1 MiB for all receivers it is kept for, which is enough for ${room} of ${missed.length}`,
        },
        missed.length - room,
      );
    const stored = await Promise.all(
      missed.slice(0, room).map((user) => this.#keepFor(user, json, message, behind.has(user), kept)),
    );
    const records = new Map(stored.filter((one) => one !== undefined));
    await this.#tellKept(message.id, records, elsewhere);
    return new Set(records.keys());
  }

  /** Tells the nodes that have the message for whom it is kept, and all nodes that a session of these users may get it. */
  async #tellKept(
    message: string,
    records: ReadonlyMap<string, number>,
    elsewhere: Elsewhere | undefined,
  ): Promise<void> {
    const peers = this.#peers;
    if (peers === undefined) return;
    const kept = { message, records: Object.fromEntries(records) };
    const has = elsewhere?.nodes ?? [];
    const told = has.map((node) => peers.ask(node, { kept }, PATIENCE));
    if (records.size > 0)
      for (const node of peers.nodes)
        if (!has.includes(node)) told.push(peers.ask(node, { wake: [...records.keys()] }, PATIENCE));
    // A session that connects later reads what is kept in any case.
    await Promise.allSettled(told);
  }

  async #keepFor(
    user: string,
    json: string,
    message: Message,
    isBehind: boolean,
    kept: KeptMessages,
  ): Promise<readonly [string, number] | undefined> {
    const id = await kept.keep(user, json);
    if (id === undefined) return undefined;
    // A session may have got the message while it was stored.
    if (message.delivered.has(user) && !isBehind) kept.delivered(user, [id]);
    else if (!message.keptAs(user, id) || isBehind) await kept.wake(user);
    return [user, id];
  }

  #answer({ session, sent }: Sending, { id }: Message, receipts: JsonObject): ReplyFields {
    const { ref } = sent;
    if (sent.receipts === 'reply') return { successful: true, ext: { messageId: id, receipts } };
    if (sent.receipts === 'event')
      session.deliver(RECEIPTS, { id, ...(ref !== undefined && { ref }), receipts });
    return { successful: true };
  }

  #receiverOf(id: string, { session }: FeatureHost): Receiver | undefined {
    const found = session(id);
    return found && this.#receivers.get(found);
  }
}

function isVolatile(sent: AddressedRequest, rule: Rule): boolean {
  return sent.volatile || rule.volatile === true;
}

/** The sender as the server knows it: a user, or an anonymous session by its public id. */
function senderOf({ id, user }: ServedSession): JsonObject {
  return user === undefined ? { id, anonymous: true } : { id: user.id, info: user.info };
}

// AD-5.
function outcomesOf(
  receivers: readonly string[],
  allowed: readonly string[],
  kept: ReadonlySet<string>,
  message: Message,
  queuedElsewhere: readonly string[],
): JsonObject {
  const mayGet = new Set(allowed);
  const queued = new Set([...message.queuedFor, ...queuedElsewhere]);
  const { delivered } = message;
  const of = (user: string): Outcome => {
    if (!mayGet.has(user)) return 'denied';
    if (delivered.has(user)) return 'delivered';
    return queued.has(user) || kept.has(user) ? 'queued' : 'offline';
  };
  return Object.fromEntries(receivers.map((user) => [user, of(user)]));
}

export const addressedModule = {
  ...addressedOptions,
  make: (parts: AddressedParts): Feature | undefined =>
    Object.values(parts.rules.byPattern).some(({ addressed }) => addressed)
      ? new Addressed(parts)
      : undefined,
} as const satisfies FeatureModule;
