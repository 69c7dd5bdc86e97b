import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { detailOf } from './api-publisher.ts';
import { ArgumentError, ClientError, unreachable } from './client-error.ts';
import type { LinkOptions } from './link.ts';

/** Reads from the HTTP API at this address: `http://127.0.0.1:8000/api`. Throws `ClientError` for any answer but 200. */
export async function readApi(
  base: string,
  path: string,
  key: string,
  { headers, ca, insecure }: LinkOptions,
): Promise<unknown> {
  if (!/^https?:\/\//.test(base) || !URL.canParse(base))
    throw new ArgumentError(`"${base}" is no http or https address, such as http://127.0.0.1:8000/api`);
  const url = base.replace(/\/+$/, '') + path;
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, {
      headers: { ...headers, authorization: `Bearer ${key}` },
      rejectUnauthorized: !insecure,
      ...(ca && { ca }),
    });
    request.once('response', resolve).on('error', reject).end();
  }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  const body = await text(answer);
  if (answer.statusCode !== 200)
    throw new ClientError(`the server answered ${answer.statusCode}: ${detailOf(body)}`);
  return jsonOf(body, base);
}

function jsonOf(body: string, base: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new ClientError(`${base} is not the HTTP API: its answer is not JSON`, { cause });
  }
}
