import { createServer } from 'node:http';
import express from 'express';
import { api } from '../http/api/api.ts';
import { dashboard } from '../http/dashboard.ts';
import { fayeClient } from '../http/faye-client.ts';
import { health } from '../http/health.ts';
import { bayeux, type Middleware } from '../http/middleware.ts';
import { pages } from '../http/pages.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Policy } from '../ports/policy.ts';
import { Server } from '../server.ts';
import { checkAuth } from './access.ts';
import { apiKeyOf, apiKeysOf } from './api-key.ts';
import { application } from './application.ts';
import { chatPolicy, withChatOptions } from './chat-demo.ts';
import { check } from './check.ts';
import type { Instead } from './command-line.ts';
import { type Config, type Flags, loadConfig } from './config.ts';
import { front } from './front.ts';
import { greeting } from './greeting.ts';
import { historyStore } from './history-store.ts';
import { guardHosts } from './host-guard.ts';
import { isOpen, warnOfNoPolicy } from './exposure.ts';
import { limitConnections } from './connection-limit.ts';
import { failed, notFound } from './last-resort.ts';
import { abandon, closed, httpServer, type Listener, listen, listenOn } from './listener.ts';
import { programLog } from './log.ts';
import { metricsOf, metricsRoute, metricsServer } from './metrics.ts';
import { loadPolicy } from './policy-file.ts';
import { printConfig } from './print-config.ts';
import { redisEngineOf, unusable } from './redis.ts';
import { type CurrentKeys, reload } from './reload.ts';
import { hearSchemeMixups } from './scheme-mixups.ts';
import { onHangup, untilSignal } from './signals.ts';
import { type Tracing, tracingOf } from './tracing.ts';
import { version } from '../lib/version.ts';

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** `bayeuxd serve`: puts the program together and runs it until a signal comes. */
export async function serve(flags: Flags, instead: Instead): Promise<void> {
  const config = loadConfig(flags, process.env);
  if (instead === 'print-config') return void process.stdout.write(printConfig(config));
  const { program, ignored } = config;
  const log = programLog(program);
  if (instead === 'check')
    return check(config, log).then((access) => ['The configuration is valid.', ...access].forEach(print));
  if (ignored.length > 0)
    log({
      level: 'info',
      event: 'config.kubernetes',
      variables: ignored,
      why: 'Kubernetes made these variables for its services; they are no options',
    });
  const single = apiKeyOf(program, log);
  const keys: CurrentKeys = { single, all: apiKeysOf(config, log, single) };
  const policy = await policyOf(config);
  if (config.isPublic && isOpen(program, config.server)) warnOfNoPolicy(log);
  checkAuth(config);

  const engine = redisEngineOf(config, log);
  const history = engine === undefined ? await historyStore(program.history) : undefined;
  const tracing = await tracingOf(program.tracing, log);
  const options = program.demo ? withChatOptions(config.server, config.places) : config.server;
  const server = new Server({
    ...options,
    log,
    trace: program.logLevel === 'trace',
    ...(engine && { engine }),
    ...(history && { history }),
    ...(policy && { policy }),
    ...(tracing && { extensions: [tracing.extension] }),
  });
  const listeners: Listener[] = [];
  try {
    await run({ config, flags, server, keys, log, tracing, listeners });
  } catch (error) {
    // All of these would keep the process running. The second call cuts short the drain that the first begins.
    for (const listener of listeners) abandon(listener);
    await Promise.all([server.close(), server.close()]);
    throw error;
  }
}

/** The operator's policy, or else that of the chat page. It takes guests only where nothing else says who a user is. */
async function policyOf({ program, server }: Config): Promise<Policy | undefined> {
  if (program.policy !== undefined) return loadPolicy(program.policy);
  return program.demo ? chatPolicy(isOpen(program, server)) : undefined;
}

/** What runs. */
interface Parts {
  readonly config: Config;
  readonly flags: Flags;
  readonly server: Server;
  readonly keys: CurrentKeys;
  readonly log: Log;
  readonly tracing: Tracing | undefined;
  /** Takes the servers that listen. */
  readonly listeners: Listener[];
}

/** Listens until a signal comes, and ends the process. */
async function run(parts: Parts): Promise<void> {
  const { config, flags, server, keys, log, tracing, listeners } = parts;
  const { program } = config;
  const serveMetrics = await metricsOf(server);
  const routes = express
    .Router()
    .use(health(server))
    .use(metricsRoute(server, () => keys.all, serveMetrics))
    .use(fayeClient(program.path))
    .use(
      '/api',
      ...(tracing ? [tracing.continueTrace] : []),
      api(server, { keys: () => keys.all, idempotency: program.idempotency }),
    );
  if (program.admin) routes.use('/admin', dashboard());
  if (program.demo) routes.use(pages(program.path, version()));
  routes.use(notFound(server, program.path), failed(log));
  const serveBayeux = bayeux(server, { path: program.path });
  const behind = createServer(front(program.path, serveBayeux, application(routes)));
  server.attachUpgrades(behind, { path: program.path });
  const http = httpServer(program);
  guardHosts(http, behind, program.allowedHosts, server.refusals);
  hearSchemeMixups(http, program.tlsCert !== undefined, server.refusals);
  limitConnections(http, server.options, program.tlsCert !== undefined, server.refusals);

  // Before anything starts, so that a signal during the start also closes the server in order.
  const signalled = untilSignal();
  onHangup(() => reload({ config, flags, env: process.env, server, listener: http, keys, log }));
  // Clients may come while the history opens: their publishes wait for it.
  listeners.push(http);
  const url = await listen(http, program);
  const metrics = await listenForMetrics(parts, serveMetrics);
  // A signal also ends a start that waits for Redis.
  const early = await Promise.race([opened(server, config), signalled]);
  if (early === undefined) {
    log({ level: 'info', event: 'listening', url, path: program.path, ...(metrics && { metrics }) });
    print(greeting(config, version(), { main: url, metrics }, keys.single, keys.all.length > 0));
  }

  const signal = await signalled;
  log({ level: 'info', event: 'closing', signal });
  const ending = server.close().then(() => {
    log({ level: 'info', event: 'closed', ...server.closed });
    return closed(http);
  });
  await Promise.race([ending, graceOver(config)]);
  process.exit(0); // Open connections would keep the process running.
}

function opened(server: Server, { places }: Config): Promise<void> {
  return server.open().catch((error: unknown) => unusable(error, places));
}

/** Listens on `metrics.port`, if it is set. Resolves with the URL. */
async function listenForMetrics(
  { config: { program }, server, listeners }: Parts,
  serve: Middleware,
): Promise<string | undefined> {
  const { host, port } = program.metrics;
  if (port === undefined) return undefined;
  const listener = metricsServer(server, program, serve);
  listeners.push(listener);
  return listenOn(listener, { host, port }, 'metrics.');
}

function graceOver({ server }: Config): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(server.drain.window + server.shutdownGrace, resolve);
  });
}
