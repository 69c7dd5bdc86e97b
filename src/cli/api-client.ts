import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { isObject, type JsonObject } from '../protocol/message.ts';
import type { ApiAccess } from './api-access.ts';
import { ClientError, NothingFound, unreachable } from './client-error.ts';
import { problemIn } from './problem-in.ts';

/** The parameters of a query; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Longest time to the end of an answer. Milliseconds. */
const PATIENCE = 30_000;

/** Items of a page: as many as the API gives. */
const PAGE = 1000;

/** Codes of an error for something that does not exist. */
const missing = ['session_unknown', 'publish_unknown'];

/** Calls the HTTP API. Each call throws `ClientError` for any answer but 200, and `NothingFound` for something that does not exist. */
export class ApiClient {
  readonly #access: ApiAccess;
  readonly #say: (line: string) => void;
  #hasSaid = false;

  /** `say` takes a warning: that a node of the cluster is missing in the answers. */
  constructor(access: ApiAccess, say: (line: string) => void) {
    this.#access = access;
    this.#say = say;
  }

  get(path: string, query: Query = {}): Promise<JsonObject> {
    const given = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) given.set(name, String(value));
    return this.#call('GET', given.size === 0 ? path : `${path}?${given}`);
  }

  post(path: string, body: JsonObject): Promise<JsonObject> {
    return this.#call('POST', path, JSON.stringify(body));
  }

  /** The items of a list, page by page: up to `most`, or those of one answer. `name` is their field in it. */
  async *pages(
    path: string,
    {
      name,
      query,
      most,
    }: { readonly name: string; readonly query: Query; readonly most: number | 'one answer' },
  ): AsyncGenerator<readonly JsonObject[]> {
    let left = most === 'one answer' ? 0 : most;
    let { after } = query;
    do {
      const limit = most === 'one answer' ? undefined : Math.min(left, PAGE);
      const answer = await this.get(path, { ...query, after, limit });
      const { [name]: items, next } = answer;
      if (!Array.isArray(items)) throw this.#stranger();
      yield items.filter(isObject);
      left -= items.length;
      after = typeof next === 'string' || typeof next === 'number' ? next : undefined;
    } while (after !== undefined && left > 0);
  }

  async #call(method: 'GET' | 'POST', path: string, body?: string): Promise<JsonObject> {
    const answer = await this.#send(method, path, body);
    const content = await text(answer).catch((error: unknown) => this.#fail(error));
    const { statusCode: status = 0, headers } = answer;
    if (status !== 200) throw this.#refused(status, content, headers['retry-after']);
    const value = jsonOf(content);
    if (!isObject(value)) throw this.#stranger();
    if (value.complete === false && !this.#hasSaid) {
      this.#hasSaid = true;
      this.#say('a node of the cluster did not answer: its part is missing');
    }
    return value;
  }

  async #send(method: string, path: string, body: string | undefined): Promise<IncomingMessage> {
    const { url, key, headers, ca, insecure } = this.#access;
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const options = {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      rejectUnauthorized: !insecure,
      signal: AbortSignal.timeout(PATIENCE),
      ...(ca && { ca }),
    };
    return new Promise<IncomingMessage>((resolve, reject) => {
      send(url + path, options)
        .once('response', resolve)
        .on('error', reject)
        .end(body);
    }).catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): never {
    const { url, isUsual } = this.#access;
    if (error instanceof Error && error.name === 'AbortError')
      throw new ClientError(`${url} gave no answer within ${PATIENCE / 1000} s`, { cause: error });
    const { message } = unreachable(url, error);
    throw new ClientError(isUsual ? `${message}; or name another server with --url` : message, {
      cause: error,
    });
  }

  #refused(status: number, content: string, retryAfter: string | undefined): ClientError {
    const problem = problemIn(content);
    if (problem.code === undefined && status === 404) return this.#stranger();
    if (missing.includes(problem.code ?? '')) return new NothingFound(problem.detail);
    return new ClientError(
      `the server answered ${status}: ${this.#explained(problem.code, problem.detail, retryAfter)}`,
    );
  }

  #explained(code: string | undefined, detail: string, retryAfter: string | undefined): string {
    const { keyFrom } = this.#access;
    switch (code) {
      case 'key_missing':
      case 'key_wrong':
        return `it does not know the key of ${keyFrom}: give another with --key, --key-file or BAYEUXD_API_KEY`;
      case 'right_missing':
      case 'channel_denied':
        return `${detail}; give another key with --key, --key-file or BAYEUXD_API_KEY`;
      case 'route_unknown':
        return `${this.#access.url} has no such call: the server is of another version, or the address is not that of its API`;
      default:
        return retryAfter === undefined ? detail : `${detail}; try again in ${retryAfter} s`;
    }
  }

  #stranger(): ClientError {
    const { url } = this.#access;
    const meant = new URL('/api', url).href;
    const hint = url === meant ? '' : `: its address may be ${meant}`;
    return new ClientError(`${url} is not the HTTP API${hint}`);
  }
}

function jsonOf(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined; // The caller reports that this is not the API.
  }
}
