import { key } from './key.js';

const base = new URL(document.querySelector('meta[name=api]').content, location.href).href.replace(/\/$/, '');

/** How long an answer may take. Milliseconds. */
const PATIENCE = 10_000;

/** The API refused a call, or did not answer: then `code` is `unreachable`. */
export class ApiError extends Error {
  constructor({ status = 0, code = 'unreachable', detail, retryAfter = 0 }) {
    super(detail);
    Object.assign(this, { status, code, retryAfter });
  }

  /** Whether the key or token does not count. */
  get isSignedOut() {
    return this.status === 401 || this.code === 'api_closed';
  }
}

/** Gets an answer. `query` may have undefined values: these are left out. */
export const read = (path, query = {}) => call(path, query, { signal: AbortSignal.timeout(PATIENCE) });

/** Sends a body. */
export const act = (path, body) =>
  call(
    path,
    {},
    {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    },
  );

/** Calls `heard` with the name and the value of each event of a stream. Resolves when it ends. */
export async function follow(path, query, signal, heard) {
  const response = await answerOf(path, query, { signal });
  heard('open');
  let text = '';
  try {
    for await (const chunk of chunksOf(response.body.pipeThrough(new TextDecoderStream()))) {
      const frames = (text + chunk).split('\n\n');
      text = frames.pop();
      for (const frame of frames) {
        const [, name, json] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
        if (name !== undefined) heard(name, JSON.parse(json));
      }
    }
  } catch (error) {
    throw failureOf(error);
  }
}

// Not all browsers iterate over streams.
async function* chunksOf(stream) {
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

async function call(path, query, init) {
  const response = await answerOf(path, query, init);
  try {
    return await response.json();
  } catch (error) {
    throw failureOf(error);
  }
}

async function answerOf(path, query, init) {
  const url = new URL(base + path);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') url.searchParams.set(name, value);
  const headers = { ...init.headers, Authorization: `Bearer ${key.get()}` };
  const settings = { ...init, headers, credentials: 'omit', cache: 'no-store', redirect: 'error' };
  const response = await fetch(url, settings).catch((error) => {
    throw failureOf(error);
  });
  if (response.ok) return response;
  throw await refusalOf(response);
}

async function refusalOf(response) {
  const { status } = response;
  const retryAfter = Number(response.headers.get('retry-after') ?? 0);
  const isProblem = response.headers.get('content-type')?.includes('problem+json');
  const { code = 'unknown', detail } = isProblem ? await response.json().catch(() => ({})) : {};
  // Proxies answer for a server that is gone.
  if (!isProblem && status >= 500) return new ApiError({ status, detail: gone, retryAfter });
  return new ApiError({ status, code, detail: detail ?? `the answer was ${status}`, retryAfter });
}

const gone = 'the server does not answer';

function failureOf(error) {
  if (error.name === 'AbortError') return error;
  return new ApiError({ detail: navigator.onLine ? gone : 'this device is offline' });
}
