import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { RateLimits } from '../lib/rate-limits.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { UsageError } from '../lib/usage-error.ts';
import type { Conduit } from '../ports/conduit.ts';
import type { Directory } from '../ports/directory.ts';
import type { Engine } from '../ports/engine.ts';
import type { Feature, FeatureHost, Watcher } from '../ports/feature.ts';
import type { Peers } from '../ports/peers.ts';
import type { Policy } from '../ports/policy.ts';
import type { Shared } from '../ports/shared.ts';
import type { Revocation } from '../ports/revocations.ts';
import type { Extension } from '../ports/session.ts';
import type { Transport } from '../ports/transport.ts';
import type { DataOf } from '../channels/channel-types.ts';
import { ChannelGrammar, kindOf } from '../protocol/channel.ts';
import { decode } from '../protocol/codec.ts';
import type { Event, JsonObject, Request } from '../protocol/message.ts';
import type { Delivery } from '../ports/outgoing-event.ts';
import { addressedEvent, type AddressedOptions, queueFor, refuseReserved } from './addressed.ts';
import { Admission } from './admission.ts';
import { Advisor } from './advice.ts';
import { checkFunction, checkRevocation, noChannel } from './arguments.ts';
import { Batch } from './batch.ts';
import { type Revoked, revokedAnswer, revokeElsewhere } from './cluster-revoke.ts';
import type { Core } from './context.ts';
import { Counts, countsSoFar, type CountsSoFar } from './counts.ts';
import { Deadlines } from './deadlines.ts';
import { Backlog } from './delivery/backlog.ts';
import { Drain, hasConnection } from './drain.ts';
import { Flusher } from './delivery/flusher.ts';
import { overflowDecision } from './delivery/overflow-decision.ts';
import { Oversized } from './delivery/oversized.ts';
import { SharedRuns } from './delivery/shared-runs.ts';
import { EngineSide } from './engine-side.ts';
import { Events, type ServerEvents } from './events.ts';
import { Features } from './features.ts';
import { Forwarding, type ForwardingHost } from './forwarding.ts';
import { Hooks } from './hooks.ts';
import { Intake } from './intake.ts';
import { Judge } from './judge.ts';
import { type Handler, type Listener, Listeners } from './listeners.ts';
import { type Load, loadOf } from './load.ts';
import { LocalDirectory } from './local-directory.ts';
import { type LocalParts, LocalSession, type LocalSessionSettings } from './local-session.ts';
import type { DeliveryRules } from './delivery/rules.ts';
import { Nodes } from './nodes.ts';
import type { CoreOptions } from './options.ts';
import { type Published, Publisher, type Publishing } from './publisher.ts';
import { type Reached, reach, type RecipientParts, UserGroup, UserSessions } from './recipients.ts';
import { PeerDirectory } from './peer-directory.ts';
import { PeerRequests } from './peer-requests.ts';
import { type Opening, type Readiness, readinessOf, type ServerState } from './readiness.ts';
import { Refusals } from './refusals.ts';
import { Replies } from './replies.ts';
import type { Session } from './session.ts';
import { Sessions } from './sessions.ts';
import { Subscriptions } from './subscriptions.ts';
import { Transports } from './transports.ts';

/** The parts of a new server. */
export interface ServerInit<Options extends CoreOptions = CoreOptions> {
  readonly options: Options;
  readonly rules: DeliveryRules;
  readonly features: readonly Feature[];
  readonly policy?: Policy | undefined;
  readonly extensions: readonly Extension[];
  readonly engine: Engine;
  /** Makes the directory of a cluster from that of this node; absent on a single node. */
  readonly directory?: (local: Directory) => Directory;
  readonly clock: Clock;
  /** Never throws. */
  readonly log: Log;
  /** Of bayeuxd, as other nodes are told. */
  readonly version?: string | undefined;
}

/** Counts of what clients create. */
export interface Usage {
  readonly sessions: number;
  readonly channelNodes: number;
  /** Addresses with a session or a socket. */
  readonly addresses: number;
}

/** How the close of a server went. */
export interface Closed {
  /** Sessions when it began. */
  readonly sessions: number;
  /** Sessions that left by themselves, or went to another server when they were sent away. */
  readonly left: number;
  /** Sessions that were cut off. */
  readonly ended: number;
  /** How long it took. Milliseconds. */
  readonly ms: number;
}

/** The server without sockets: sessions, channels and subscriptions. Transports bring requests and conduits. */
export class Server<
  Options extends CoreOptions = CoreOptions,
  Channels extends object = Record<string, unknown>,
> {
  readonly options: Options;
  readonly clock: Clock;
  readonly log: Log;
  /** Finds sessions by user and by channel. */
  readonly directory: Directory;
  /** As `directory`, of this node alone. */
  readonly ownDirectory: LocalDirectory;
  /** The nodes of the cluster, and questions to them. */
  readonly nodes: Nodes;
  /** For transports: bounds the memory of input that came in part. */
  readonly intake: Intake;
  /** For transports: logs what they refuse. */
  readonly refusals: Pick<Refusals, 'note'>;
  /** For transports: writes answers that were held back, since more was to be read, at the end of this turn of the event loop. */
  readonly flusher: Pick<Flusher, 'writeAtTurnEnd'>;
  readonly #engine: Engine;
  readonly #engineSide: EngineSide;
  readonly #core: Core;
  readonly #opening: Promise<void>;
  readonly #recipients: RecipientParts;
  readonly #conduits = new Set<Conduit>();
  readonly #rateLimits: RateLimits;
  #state: ServerState = 'open';
  // True from the moment the server closes to the end of `close`.
  #isClosing = false;
  #screen: ((texts: string | readonly string[]) => void) | undefined;
  #opened: Opening = 'under way';
  #ending: Promise<void> | undefined;
  #closed: Closed | undefined;
  #drain: Drain | undefined;

  constructor(init: ServerInit<Options>) {
    this.options = init.options;
    this.clock = init.clock;
    this.log = init.log;
    this.#engine = init.engine;
    this.#core = this.#assemble(init);
    this.ownDirectory = new LocalDirectory(this.#core.sessions, this.#core.subscriptions);
    this.nodes = new Nodes({
      ...{ engine: init.engine, clock: init.clock, version: init.version, local: this.ownDirectory },
      sessions: this.#core.sessions,
      state: () => this.#state,
      engineState: () => this.#engineSide.current,
    });
    this.#engineSide = new EngineSide({
      ...this.#core,
      deliver: this.#core.publisher.deliver,
      timeout: init.options.engineTimeout,
      facts: this.nodes.facts,
    });
    this.intake = this.#core.intake;
    this.refusals = this.#core.refusals;
    this.flusher = this.#core.flusher;
    this.directory = init.directory?.(this.ownDirectory) ?? clusterDirectory(init.engine, this.ownDirectory);
    this.#recipients = { ...this.#core, directory: this.directory };
    this.#rateLimits = new RateLimits(this.clock);
    this.#core.features.start(this.#featureHost());
    // After the features, which see what this server carries out, and not what it forwards.
    if (init.engine.peers !== undefined) this.#joinCluster(init.engine.peers);
    this.#opening = this.#openParts();
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Resolves when the engine and the features are ready; rejects when one of them fails. A single node is ready at once. */
  open(): Promise<void> {
    return this.#opening;
  }

  /**
   * Closes the server. With `drain.window`, the server first sends its sessions away, one after another over that window: held
   * connects succeed, sockets and streams are closed. Then held connects end with 503, sockets with 1001, streams end, and
   * sessions are gone (EX-7). A second call ends the drain early. An engine or a feature that does not close within
   * `shutdownGrace` is not waited for; one that fails to close is logged. Publishing does nothing while the
   * server closes.
   */
  close(): Promise<void> {
    if (this.#ending === undefined) this.#ending = this.#close();
    else this.#drain?.stop();
    return this.#ending;
  }

  /** How the close went; undefined until it is over. */
  get closed(): Closed | undefined {
    return this.#closed;
  }

  /** Adds a listener for an event. The returned function removes it. Throws `UsageError` for an unknown name. */
  on<Name extends keyof ServerEvents>(
    name: Name,
    listener: (event: ServerEvents[Name]) => unknown,
  ): () => void {
    return this.#core.events.on(name, listener);
  }

  /** As `on`, for the next event of this name only. */
  once<Name extends keyof ServerEvents>(
    name: Name,
    listener: (event: ServerEvents[Name]) => unknown,
  ): () => void {
    return this.#core.events.on(name, listener, true);
  }

  /** Removes a listener that `on` or `once` added. Throws `UsageError` for an unknown name. */
  off<Name extends keyof ServerEvents>(name: Name, listener: (event: ServerEvents[Name]) => unknown): void {
    this.#core.events.off(name, listener);
  }

  /** Adds a listener for publishes to a channel or pattern, service channels included. The returned function removes it. */
  subscribe<Pattern extends string>(
    pattern: Pattern,
    listener: Listener<DataOf<Channels, Pattern>>,
  ): () => void {
    const usage = "write server.subscribe('/chat/*', ({ data }) => …)";
    if (typeof pattern === 'number')
      throw new UsageError(
        `a channel is listened to here: ${usage}; to listen on a port, write httpServer.listen(${pattern})`,
      );
    if (typeof pattern !== 'string') throw noChannel(pattern, usage);
    checkFunction('the listener', listener, usage);
    return this.#core.listeners.listen(this.#pattern(pattern), listener as Listener);
  }

  /** Adds a handler for remote calls to a service channel, or a pattern of them. The returned function removes it. */
  onCall<Pattern extends string>(pattern: Pattern, handler: Handler<DataOf<Channels, Pattern>>): () => void {
    const usage = "write server.onCall('/service/sum', ({ data }) => …)";
    if (typeof pattern !== 'string') throw noChannel(pattern, usage);
    checkFunction('the handler', handler, usage);
    if (kindOf(pattern) !== 'service')
      throw new UsageError(`remote calls go to /service channels, not to "${pattern}"`);
    return this.#core.listeners.handle(this.#pattern(pattern), handler as Handler);
  }

  /**
   * Publishes an event of the server itself to a broadcast channel. Resolves when the event is queued for its
   * receivers on this node and accepted by the engine, with their number. Throws `UsageError` for a bad channel, or data that
   * JSON cannot carry, and `BayeuxError` for data that may not be published there. Does nothing while the
   * server closes, and throws `UsageError` afterwards.
   */
  async publish<Channel extends string>(
    channel: Channel,
    data: DataOf<Channels, Channel>,
    options: Delivery & { ext?: JsonObject } = {},
  ): Promise<Published> {
    if (this.#isClosing) return { sessions: 0 };
    if (this.#state === 'closed') throw new UsageError('the server is closed');
    if (typeof channel !== 'string')
      throw noChannel(channel, "write server.publish('/chat/room', { text: 'hello' })");
    const event = this.#eventOf({ ...options, channel, data });
    const { hooks, publisher } = this.#core;
    return hooks.lists.around.publish.length === 0
      ? publisher.publishOwn(event, options)
      : publisher.around(event, () => publisher.publishOwn(event, options));
  }

  /**
   * Publishes events of the server itself: all of them, or none if one may not be published or an extension
   * refuses it. A receiver gets them directly one after another, except for events that a feature delivers
   * itself. Resolves and throws as `publish` does.
   */
  async publishAll(events: readonly Publishing[]): Promise<readonly Published[]> {
    if (!Array.isArray(events)) throw new UsageError('publishAll takes a list: [{ channel, data }, …]');
    if (this.#isClosing) return events.map(() => ({ sessions: 0 }));
    if (this.#state === 'closed') throw new UsageError('the server is closed');
    const made = events.map((event) => this.#eventOf(event));
    return this.#core.publisher.publishAll(made, events);
  }

  /**
   * Opens a session inside this process (IP-1). Rejects with `503::no_room` when `maxSessions` are open or the
   * server drains. A `judged` session also rejects with the error of the policy that refuses it.
   */
  async localSession(settings: LocalSessionSettings = {}): Promise<LocalSession<Channels>> {
    if (this.#state === 'closed') throw new UsageError('the server is closed');
    const parts: LocalParts = {
      receive: (requests, conduit) => this.receive(requests, conduit),
      session: (id) => this.#core.sessions.byId(id),
      resuming: (pattern, after) => this.#core.features.resuming(pattern, after),
      isClosing: () => this.#isClosing,
      listenerFailed: (name, error) => this.log({ level: 'error', event: 'listener.failed', name, error }),
    };
    return new LocalSession<Channels>(parts, settings).handshake();
  }

  /**
   * Counts a call for `key` on this node, and returns false above `limit` calls in `ms` milliseconds. For
   * policies and extensions: `server.rateLimit(session.id, 10, 1000)`.
   */
  rateLimit(key: string, limit: number, ms: number): boolean {
    return this.#rateLimits.take(key, limit, ms);
  }

  /** A user by id: the user's sessions, and events for all of them. Throws `UsageError` for an id that is no text. */
  user(id: string): UserSessions<Channels> {
    return new UserSessions(id, this.#recipients);
  }

  /** A list of users under a name, which the application keeps. Throws `UsageError` for a name that is no text. */
  group(name: string): UserGroup<Channels> {
    return new UserGroup(name, this.#recipients);
  }

  /**
   * Sends an event to the session with this public id, on whatever node it is, and whether it subscribes or not. Resolves with 1 for any
   * session of another node, since only that one knows whether it is open; see `session` for those of this node. Throws `UsageError` as
   * `server.publish` does.
   */
  async deliver<Channel extends string>(
    session: string,
    channel: Channel,
    data: DataOf<Channels, Channel>,
    options: AddressedOptions = {},
  ): Promise<Reached> {
    const usage = "write server.deliver(session.id, '/private/offer', { price: 5 })";
    if (typeof session !== 'string') throw new UsageError(`the session must be a public id: ${usage}`);
    const event = addressedEvent(channel, data, options, usage, this.#recipients);
    return reach(event, [session], this.#recipients);
  }

  /** The session with this public id, if it is connected to this node. */
  session(id: string): Session | undefined {
    return this.#core.sessions.byId(id);
  }

  /**
   * Ends at once the sessions of a user, of a token (by its `jti`), or one session, on all nodes. With authentication,
   * the server refuses their tokens until they expire; for a user, the tokens issued up to now. Resolves with the number
   * of ended sessions, and with `complete: false` when a node did not answer. Rejects with `NoRoomError` when the list of
   * revoked tokens is full (the sessions are ended even then), and with `UsageError` for a wrong argument.
   */
  async revoke(revocation: Revocation): Promise<{ readonly sessions: number; readonly complete?: false }> {
    checkRevocation(revocation, this.#core.features.revoking.length > 0);
    const { value, complete } = await this.#revoke(revocation);
    this.log({
      level: 'info',
      event: 'revoked',
      ...revocation,
      sessions: value,
      ...(!complete && { complete }),
    });
    return { sessions: value, ...(!complete && { complete }) };
  }

  async #revoke(revocation: Revocation): Promise<Revoked> {
    // Begin with all nodes before the first `await`: a failure of one must not stop the others.
    const parts = [this.#revokeHere(revocation), revokeElsewhere(revocation, this.nodes.about(REVOKE))];
    await Promise.allSettled(parts);
    const counts = await Promise.all(parts);
    return {
      value: counts.reduce((sum, { value }) => sum + value, 0),
      complete: counts.every(({ complete }) => complete),
    };
  }

  async #revokeHere(revocation: Revocation): Promise<Revoked> {
    const { features, sessions } = this.#core;
    const session = 'session' in revocation ? sessions.byId(revocation.session) : undefined;
    // Start all features before the first `await`: a failure of one must not stop the others.
    const counts = features.revoking.map(async (feature) => feature.revoking?.(revocation, session));
    const named = 'user' in revocation ? [...sessions.ofUser(revocation.user)] : session ? [session] : [];
    const others = endAll(named);
    const all = (await Promise.all(counts)).filter((count) => count !== undefined);
    return {
      value: all.reduce((sum, { value }) => sum + value, others),
      complete: all.every(({ complete }) => complete),
    };
  }

  /** All sessions of this node. */
  get sessions(): Iterable<Session> & { readonly size: number } {
    return this.#core.sessions;
  }

  /** Users with sessions on this node, and how many. */
  get users(): Iterable<{ readonly user: string; readonly sessions: number }> {
    return this.#core.sessions.users();
  }

  /** Names and patterns with subscribers on this node, and how many sessions subscribe to each. */
  get channels(): Iterable<{ readonly channel: string; readonly sessions: number }> {
    return this.#core.subscriptions.index.counts();
  }

  /** Current counts, for monitoring. All are 0 again when no session and no socket is left. */
  get usage(): Usage {
    const { sessions, subscriptions, admission } = this.#core;
    return {
      sessions: sessions.size,
      channelNodes: subscriptions.size,
      addresses: admission.addresses,
    };
  }

  /** What the server has done since its start, for monitoring. */
  get counts(): CountsSoFar {
    const { counts, rules, refusals } = this.#core;
    return countsSoFar(counts, rules.patterns, refusals.tallies);
  }

  /** How much the server has now. Looks at every session: for monitoring, not for each request. */
  load(): Load {
    const { sessions, features } = this.#core;
    return { ...loadOf(sessions), memory: this.#memory, features: features.measure() };
  }

  /** Whether new clients should come here, and if not, why. */
  get readiness(): Readiness {
    const { sessions } = this.#core;
    return readinessOf({
      state: this.#state,
      opening: this.#opened,
      engine: this.#engineSide.settledState,
      sessions: { used: sessions.size, limit: this.options.maxSessions },
      bounds: this.#memory,
    });
  }

  /** How often the server refused something since its start, by the option that refused it. */
  get refused(): Readonly<Record<string, number>> {
    return this.#core.refusals.counts;
  }

  /** Reads a batch within the server's limits. Throws `BatchError`, and `NoRoomError` before anything is read. */
  decode(texts: string | readonly string[]): Request[] {
    if (this.#screen !== undefined) this.#screen(texts);
    return decode(texts, this.options);
  }

  /**
   * Handles a batch and writes the response to the conduit. A held connect is answered later. `texts`: the JSON it was read from, if
   * any. Never throws or rejects.
   */
  receive(
    requests: readonly Request[],
    conduit: Conduit,
    texts?: string | readonly string[],
  ): MaybePromise<void> {
    if (this.#state !== 'closed') return new Batch(requests, conduit, this.#core).handle(texts);
    conduit.end('shutdown');
  }

  /** Adds a transport, before its first conduit comes. Throws `UsageError` for an invalid transport or a taken name. */
  addTransport(transport: Transport): void {
    this.#core.transports.add(transport);
    this.#core.replies.renewGreeting();
  }

  /** Offers WebSockets to clients from now on, if the options enable them. */
  takeSockets(): void {
    this.#core.transports.takeSockets();
    this.#core.replies.renewGreeting();
  }

  /** Adds an open socket or stream, which will end with the server. A socket ends at once if there are too many (HS-14). */
  join(conduit: Conduit): void {
    if (this.#state === 'closed') conduit.end('shutdown');
    else {
      const full = conduit.shape === 'socket' ? this.#core.admission.open(conduit) : undefined;
      if (full === undefined) this.#conduits.add(conduit);
      else conduit.end('capacity', undefined, full);
    }
  }

  /** Attaches a stream to the session with this clientId. False if the session may not have one (ES-2, CN-14, EX-7). */
  joinStream(clientId: string, conduit: Conduit): MaybePromise<boolean> {
    const { sessions } = this.#core;
    const session = sessions.bySecret(clientId);
    if (session === undefined || !sessions.trusts(conduit, session)) return false;
    if (this.#drain?.hasSent(session) === true) return false;
    if (session.isDeliverOnly(conduit.transport)) return false;
    this.join(conduit);
    session.attach(conduit);
    return true;
  }

  /** The peer of a conduit is gone: nothing more can be sent (CN-15, WS-12, ES-7). */
  lost(conduit: Conduit): void {
    if (this.#conduits.delete(conduit) && conduit.shape === 'socket') this.#core.admission.close(conduit);
    conduit.session?.lost(conduit);
    for (const feature of this.#core.features.hungUp) feature.hungUp?.(conduit);
  }

  /** For the HTTP API: what all nodes keep together; undefined where each node has its own. */
  get shared(): Shared | undefined {
    return this.#engine.shared;
  }

  /** The tag with which all ids of this node begin (HS-8). */
  get node(): string {
    return this.#engine.node;
  }

  #joinCluster(peers: Peers): void {
    this.#answerPeers();
    const own = this.#ownHandling();
    peers.serve(new PeerRequests(own));
    if (peers.forwarder === undefined) return;
    const forwarding = new Forwarding(peers.forwarder, own);
    this.receive = (...batch) => forwarding.receive(...batch);
    this.joinStream = (...stream) => forwarding.joinStream(...stream);
    this.lost = (conduit) => forwarding.lost(conduit);
  }

  // As this server handles requests now, before any are forwarded.
  #ownHandling(): ForwardingHost {
    const { receive, joinStream, lost, node, log } = this;
    const server = this;
    return {
      node,
      log,
      get isStarting() {
        return server.#opened === 'under way';
      },
      get isClosed() {
        return server.#state === 'closed';
      },
      decode: (texts) => this.decode(texts),
      receive: (...batch) => Reflect.apply(receive, this, batch),
      joinStream: (...stream) => Reflect.apply(joinStream, this, stream),
      join: (conduit) => this.join(conduit),
      lost: (conduit) => Reflect.apply(lost, this, [conduit]),
      answer: this.nodes.answerPeer,
    };
  }

  #answerPeers(): void {
    const { features, sessions } = this.#core;
    for (const feature of features.all)
      if (feature.asked !== undefined)
        this.nodes.answer(topicOf(feature.name), (question) => feature.asked?.(question));
    this.nodes.answer(REVOKE, ({ user, session }) => {
      if (typeof user === 'string') return endAll([...sessions.ofUser(user)]);
      if (typeof session === 'string') return revokedAnswer(this.#revoke({ session }));
    });
  }

  #openParts(): Promise<void> {
    const { features } = this.#core;
    const all = Promise.all([
      this.#logFailure('engine.failed', () => this.#engine.open(this.#engineSide)),
      ...features.all.map(({ name, open }) => open && this.#logFailure(`${name}.failed`, open)),
    ]).then(
      () => {
        this.#opened = 'done';
      },
      (error: unknown) => {
        this.#opened = 'failed';
        throw error;
      },
    );
    // Logged already. The caller of `open` gets the error too.
    all.catch(() => {});
    return all;
  }

  get #memory() {
    const { intake, subscriptions } = this.#core;
    const { maxIncomingBytes, maxSubscriptionBytes } = this.options;
    return {
      maxIncomingBytes: { used: intake.used, limit: maxIncomingBytes },
      maxSubscriptionBytes: { used: subscriptions.index.bytes, limit: maxSubscriptionBytes },
    };
  }

  // Logs a failure of an engine or a feature, and passes it on.
  async #logFailure(event: string, work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.log({ level: 'error', event, error });
      throw error;
    }
  }

  async #closeParts(): Promise<void> {
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = this.clock.after(this.options.shutdownGrace, resolve);
    });
    const closed = Promise.allSettled([
      this.#logFailure('engine.failed', () => this.#engine.close()),
      ...this.#core.features.all.map(({ name, close }) => close && this.#logFailure(`${name}.failed`, close)),
    ]);
    await Promise.race([closed, late]);
    timer?.cancel();
  }

  #eventOf({ channel, data, ext }: Publishing): Event {
    const { grammar, hooks, features } = this.#core;
    if (kindOf(channel) !== 'broadcast' || !grammar.isName(channel)) {
      throw new UsageError(`"${channel}" is not the name of a broadcast channel`);
    }
    if (features.reserved !== undefined) refuseReserved(channel, features.reserved);
    const event = { channel, ...hooks.fromApplication({ data, ...(ext !== undefined && { ext }) }) };
    if (features.checking.length > 0) features.check(channel, event.data);
    return event;
  }

  #pattern(pattern: string): string {
    const { grammar, features } = this.#core;
    if (grammar.isNameOrPattern(pattern)) {
      if (features.reserved !== undefined) refuseReserved(pattern, features.reserved);
      return pattern;
    }
    throw new UsageError(`"${pattern}" is no channel name or pattern`);
  }

  async #close(): Promise<void> {
    const began = this.clock.now();
    const { size: sessions } = this.#core.sessions;
    const { window } = this.options.drain;
    if (window > 0) await this.#startDrain(window).over;
    this.#state = 'closed';
    this.#isClosing = true;
    this.#core.flusher.endDelays();
    const ended = this.#endSessions();
    this.#engineSide.close();
    this.#core.flusher.stop();
    for (const conduit of this.#conduits) conduit.end('shutdown');
    await this.#closeParts();
    this.#isClosing = false;
    const ms = Math.round(this.clock.now() - began);
    this.#closed = { sessions, left: sessions - ended, ended, ms };
  }

  #startDrain(window: number): Drain {
    this.#state = 'draining';
    const hasOthers = this.#engine.peers?.forwarder !== undefined && this.#engine.peers.nodes.length > 0;
    this.#drain = new Drain(this.#core.sessions, { window, hasOthers }, this.clock);
    return this.#drain;
  }

  /** Returns how many of the sessions were cut off: those that were not sent away, and those that came back. */
  #endSessions(): number {
    let ended = 0;
    for (const session of this.#core.sessions) {
      if (this.#drain?.hasSent(session) !== true || hasConnection(session)) ended += 1;
      session.close('shutdown');
    }
    return ended;
  }

  #assemble({ options, rules, features: list, policy, extensions, engine, clock, log }: ServerInit): Core {
    const engineLimit = { clock, engineTimeout: options.engineTimeout };
    const timeLimit = { clock, hookTimeout: options.hookTimeout };
    const features = new Features(list);
    const hooks = new Hooks(list, extensions, log, timeLimit);
    const refusals = new Refusals(clock, log);
    const counts = new Counts(rules.patterns.length - 1);
    const flusher = new Flusher(clock, counts.flushes);
    const admission = new Admission(options, refusals);
    const sessions = new Sessions(admission, options, engine);
    const transports = new Transports(options);
    const advisor = new Advisor(options);
    const events = new Events(log);
    const subscriptions = new Subscriptions({
      engine,
      events,
      log,
      refusals,
      engineLimit,
      maxBytes: options.maxSubscriptionBytes,
    });
    const backlog = new Backlog(options.maxQueuedBytes, sessions, clock, refusals);
    return {
      ...{ options, clock, log, rules, features, hooks, transports, advisor, events, admission, sessions },
      ...{ subscriptions, backlog, refusals, counts, flusher },
      deadlines: new Deadlines(clock),
      intake: new Intake(options.maxIncomingBytes, refusals),
      grammar: new ChannelGrammar(options),
      judge: new Judge(
        policy,
        options.unconnectedPublish,
        log,
        timeLimit,
        features.judging,
        features.reserved,
      ),
      replies: new Replies({ advisor, transports, hooks, log }),
      listeners: new Listeners(hooks, log),
      limits: {
        ...options,
        onOverflow: overflowDecision(options.queueOverflow, log),
        now: () => clock.now(),
        runs: new SharedRuns(clock),
      },
      oversized: new Oversized(log),
      publisher: new Publisher({
        ...{
          engine,
          hooks,
          features,
          rules,
          subscriptions,
          sessions,
          events,
          backlog,
          options,
          engineLimit,
          flusher,
          counts,
        },
      }),
      isClosing: () => this.#state !== 'open',
      awayFor: (session) => this.#drain?.pauseOf(session),
    };
  }

  #featureHost(): FeatureHost {
    const { judge, sessions, subscriptions, features } = this.#core;
    return {
      sessions,
      canHandshake: (request, conduit, session) => judge.canHandshake(request, conduit, session),
      canSubscribe: (pattern, request, session, conduit) =>
        judge.canSubscribe(pattern, request, session, conduit),
      rightTo: (pattern) => features.reserved?.rightTo(pattern) ?? pattern,
      permits: (right, pattern, session, message) => judge.permits(right, pattern, session, message),
      unsubscribe: ({ id }, pattern) => {
        const session = sessions.byId(id);
        if (session === undefined) return;
        subscriptions.leave(session, pattern);
      },
      directory: this.directory,
      shared: this.#engine.shared,
      peersOf: (feature) => this.nodes.about(topicOf(feature)),
      session: (id) => sessions.byId(id),
      deliver: (receivers, event) => queueFor(receivers, event, this.#core),
      canSend: (message, session, conduit, to, payload) =>
        judge.canSend(message, session, conduit, to, payload),
      get records() {
        return features.all.find(({ records }) => records !== undefined)?.records;
      },
      idOf: (clientId) => sessions.bySecret(clientId)?.id,
      watch: (watcher) => this.#watch(watcher),
      screen: (test) => {
        this.#screen = test;
      },
      refusals: this.#core.refusals,
      hearRefusals: (listener) => this.#core.refusals.hear(listener),
    };
  }

  #watch(watcher: Watcher): void {
    const { receive, join } = this;
    this.receive = (requests, conduit, texts) => {
      watcher.received(requests, conduit);
      return Reflect.apply(receive, this, [requests, conduit, texts]);
    };
    this.join = (conduit) => {
      watcher.joined(conduit);
      Reflect.apply(join, this, [conduit]);
    };
  }
}

/** Ends the sessions that are not gone yet, as revoked. Returns their number. */
function endAll(sessions: readonly Session[]): number {
  const open = sessions.filter(({ state }) => state !== 'gone');
  for (const session of open) session.disconnect('revoked');
  return open.length;
}

/** The topic of revocations. */
const REVOKE = 'server revoke';

/** The topic of the questions that a feature asks itself on other nodes. */
function topicOf(feature: string): string {
  return `feature ${feature}`;
}

function clusterDirectory(engine: Engine, local: Directory): Directory {
  if (engine.directory !== undefined) return engine.directory(local);
  return engine.peers === undefined ? local : new PeerDirectory(local, engine.peers, engine.lists);
}
