import { createServer } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import express from 'express';
import { expect, onTestFinished } from 'vitest';
import { type ApiOptions, api, type LogEvent, Server, type ServerSettings } from '../../../src/index.ts';
import { FakeClock } from '../../../src/testing/fake-clock.ts';
import { listening } from '../../support/start.ts';

/** A key with all rights. */
export const KEY = 'a-key-with-all-rights';

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: specs look into answers of many shapes.
  readonly body: any;
}

/** How a request differs from a JSON one with the key that has all rights. */
export interface Sent {
  /** The key; `undefined` sends none. */
  readonly key?: string | undefined;
  /** Text goes out as it is, other values as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Call = (path: string, sent?: Sent) => Promise<Answer>;

/** A server with the HTTP API on a port of its own. Its time stands still. */
export interface Probe {
  readonly server: Server;
  readonly clock: FakeClock;
  readonly url: string;
  readonly events: LogEvent[];
  readonly document: ApiDocument;
  readonly get: Call;
  readonly post: Call;
  readonly call: (method: string, path: string, sent?: Sent) => Promise<Answer>;
}

/** Starts a server that lasts as long as the test. Each answer is checked against the document of the API. */
export async function probe(
  options: ApiOptions = { key: KEY },
  settings: ServerSettings = {},
): Promise<Probe> {
  const clock = new FakeClock();
  const events: LogEvent[] = [];
  const server = new Server({ clock, log: (event) => void events.push(event), ...settings });
  await server.open();
  onTestFinished(() => server.close());
  const url = await listening(createServer(express().use('/api', api(server, options))));
  const document = new ApiDocument(JSON.parse(await (await fetch(`${url}/api/openapi.json`)).text()));
  const call = async (method: string, path: string, sent: Sent = {}): Promise<Answer> => {
    const answer = await ask(`${url}/api${path}`, method, sent);
    document.check(method, path, answer);
    return answer;
  };
  const get: Call = (path, sent) => call('GET', path, sent);
  const post: Call = (path, sent) => call('POST', path, sent);
  return { server, clock, url: `${url}/api`, events, document, get, post, call };
}

async function ask(url: string, method: string, { key, body, headers, ...rest }: Sent): Promise<Answer> {
  const shown = 'key' in rest || key !== undefined ? key : undefined;
  const response = await fetch(url, {
    method,
    headers: {
      ...(shown !== undefined && { 'X-API-Key': shown }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: bodyOf(text, response.headers.get('content-type')),
  };
}

function bodyOf(text: string, type: string | null): unknown {
  if (text === '') return undefined;
  return type?.includes('json') ? JSON.parse(text) : text;
}

type Json = { readonly [key: string]: Json };

/** The document of the API, and which of its answers were seen. */
export class ApiDocument {
  readonly json: Json;
  /** `POST /publish 200`, and so on. */
  readonly seen = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false });
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(json: Json) {
    this.json = json;
    this.#ajv.addSchema(json, 'document');
  }

  /** Every answer that the document has. */
  get answers(): string[] {
    return Object.entries(this.json.paths ?? {}).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { responses }]) =>
        Object.keys(responses ?? {}).map((status) => `${method.toUpperCase()} ${path} ${status}`),
      ),
    );
  }

  /** Throws unless the document has this answer. Those to other methods and paths are problems of the API as a whole. */
  check(method: string, path: string, { status, headers, body }: Answer): void {
    const template = this.#templateOf(path);
    const type = headers.get('content-type')?.split(';', 1)[0];
    if (template === undefined || this.json.paths?.[template]?.[method.toLowerCase()] === undefined) {
      if (method === 'HEAD' || (status === 200 && path.startsWith('/openapi.json'))) return;
      expect([400, 401, 403, 404, 405, 429, 503]).toContain(status);
      expect(type).toBe('application/problem+json');
      this.#satisfies('/components/schemas/Problem', body);
      return;
    }
    const at = `/paths/${escaped(template)}/${method.toLowerCase()}/responses/${status}`;
    this.#satisfies(`${at}/content/${escaped(type ?? '')}/schema`, body);
    this.seen.add(`${method} ${template} ${status}`);
  }

  #satisfies(pointer: string, body: unknown): void {
    let check = this.#checks.get(pointer);
    if (check === undefined) {
      check = this.#ajv.compile({ $ref: `document#${pointer}` });
      this.#checks.set(pointer, check);
    }
    if (!check(body)) expect({ pointer, body, errors: check.errors }).toBe('as the document says');
  }

  #templateOf(path: string): string | undefined {
    const [bare = ''] = path.split('?', 1);
    return Object.keys(this.json.paths ?? {}).find((template) =>
      new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(bare),
    );
  }
}

const escaped = (name: string) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
