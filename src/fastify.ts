/**
 * The plugin for Fastify.
 *
 * @module bayeuxd/fastify
 */

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { checkPath, checkServer } from './http/arguments.ts';
import { bayeux } from './http/middleware.ts';
import { attachUpgrades, type AttachOptions } from './http/attach.ts';
import type { Server } from './server.ts';

/** The options of the plugin. */
export interface BayeuxPluginOptions extends AttachOptions {
  readonly server: Server;
}

const usage = "write app.register(bayeuxPlugin, { server: new Server(), path: '/bayeux' })";

/**
 * Serves Bayeux on a path of a Fastify app, below the prefix it is registered with, WebSockets included. The
 * hooks of the app run before requests, not before WebSockets. The server is closed with the app.
 */
export const bayeuxPlugin: FastifyPluginAsync<BayeuxPluginOptions> = async (app, { server, path }) => {
  checkServer(server, usage);
  checkPath(path, usage);
  const detach = attachUpgrades(server, app.server, { path: app.prefix + path });
  const handle = bayeux(server);
  const route = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    handle(request.raw, reply.raw);
  };
  // The handler reads bodies itself, with its own limit.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => done(null));
  const mount = path.replace(/\/+$/, '');
  app.all(mount || '/', route);
  app.all(`${mount}/*`, route);
  app.addHook('preClose', () => server.close());
  app.addHook('onClose', async () => detach());
};
