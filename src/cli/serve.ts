import { createServer } from 'node:http';
import express from 'express';
import { api } from '../http/api.ts';
import { fayeClient } from '../http/faye-client.ts';
import { bayeux } from '../http/middleware.ts';
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
import { closed, httpServer, listen } from './listener.ts';
import { programLog } from './log.ts';
import { loadPolicy } from './policy-file.ts';
import { printConfig } from './print-config.ts';
import { type CurrentKeys, reload } from './reload.ts';
import { hearSchemeMixups } from './scheme-mixups.ts';
import { onHangup, untilSignal } from './signals.ts';
import { version } from './version.ts';

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

  const history = await historyStore(program.history);
  const options = program.demo ? withChatOptions(config.server, config.places) : config.server;
  const server = new Server({
    ...options,
    history,
    log,
    trace: program.logLevel === 'trace',
    ...(policy && { policy }),
  });
  try {
    await run(config, server, keys, log, flags);
  } catch (error) {
    await server.close(); // Its timers would keep the process running.
    throw error;
  }
}

/** The operator's policy, or else that of the chat page. It takes guests only where nothing else says who a user is. */
async function policyOf({ program, server }: Config): Promise<Policy | undefined> {
  if (program.policy !== undefined) return loadPolicy(program.policy);
  return program.demo ? chatPolicy(isOpen(program, server)) : undefined;
}

/** Listens until a signal comes, and ends the process. */
async function run(config: Config, server: Server, keys: CurrentKeys, log: Log, flags: Flags): Promise<void> {
  const { program } = config;
  const routes = express
    .Router()
    .use(fayeClient(program.path))
    .use('/api', api(server, { keys: () => keys.all }));
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
  await server.open();
  const url = await listen(http, program);
  log({ level: 'info', event: 'listening', url, path: program.path });
  print(greeting(config, version(), url, keys.single, keys.all.length > 0));

  const signal = await signalled;
  log({ level: 'info', event: 'closing', signal });
  await Promise.race([server.close().then(() => closed(http)), graceOver(config)]);
  process.exit(0); // Open connections would keep the process running.
}

function graceOver({ server }: Config): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(server.drain.window + server.shutdownGrace, resolve);
  });
}
