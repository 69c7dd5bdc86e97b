import { createServer } from 'node:http';
import express from 'express';
import { expect, onTestFinished } from 'vitest';
import {
  type ApiOptions,
  api,
  bayeux,
  type Engine,
  type LogEvent,
  Server,
  type ServerSettings,
} from '../../src/index.ts';
import { type RedisEngineOptions, redisEngine } from '../../src/redis/redis-engine.ts';
import { listening } from '../support/start.ts';
import type { TestCluster } from './cluster.ts';

/** The key of the HTTP API of these nodes. */
export const KEY = 'a-key-with-all-rights';

/** One node with the HTTP API. */
export interface ApiNode {
  readonly server: Server;
  readonly engine: Engine;
  readonly url: string;
  readonly logged: readonly LogEvent[];
  /** Sends a batch, as a client of long-polling does. Without replies where the status is no success. */
  say(...messages: object[]): Promise<Record<string, unknown>[]>;
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<ApiAnswer>;
}

/** An answer of the API. */
interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** What differs from the usual. */
export interface ApiNodeSettings {
  readonly redis?: Partial<RedisEngineOptions>;
  readonly settings?: ServerSettings;
  readonly options?: ApiOptions;
}

/** Starts a node that lasts as long as the test, and waits until it is open. */
export async function apiNode(
  { redis: { url }, keys }: TestCluster,
  { redis = {}, settings = {}, options = { key: KEY } }: ApiNodeSettings = {},
): Promise<ApiNode> {
  const namespace = keys.prefix.slice(1, -2);
  const engine = redisEngine({ url, namespace, durability: 'restart', timeout: 300, ...redis });
  const logged: LogEvent[] = [];
  const server = new Server({ engine, log: (event) => void logged.push(event), ...settings });
  onTestFinished(() => server.close());
  await server.open();
  const origin = await listening(
    createServer(express().use('/api', api(server, options)).use('/bayeux', bayeux(server))),
  );
  const post = async (path: string, body: object, headers = {}): Promise<ApiAnswer> => {
    const response = await fetch(`${origin}/api${path}`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  const say = async (...messages: object[]) => {
    const response = await fetch(`${origin}/bayeux`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(messages),
    });
    return response.ok ? JSON.parse(await response.text()) : [];
  };
  return { say, server, engine, url: origin, logged, post };
}

/** Three nodes that know of each other. */
export async function apiNodes(
  cluster: TestCluster,
  settings: ApiNodeSettings = {},
): Promise<[ApiNode, ApiNode, ApiNode]> {
  const nodes: [ApiNode, ApiNode, ApiNode] = [
    await apiNode(cluster, settings),
    await apiNode(cluster, settings),
    await apiNode(cluster, settings),
  ];
  await acquainted(nodes);
  return nodes;
}

/** Resolves when each of these nodes knows of the others. */
export async function acquainted(nodes: readonly ApiNode[]): Promise<void> {
  const known = () => nodes.map(({ engine }) => engine.peers?.nodes.length);
  await expect.poll(known, { timeout: 5000 }).toEqual(nodes.map(() => nodes.length - 1));
}
