import request, { type Response } from 'supertest';

const verbs = {
  DELETE: 'delete',
  GET: 'get',
  HEAD: 'head',
  OPTIONS: 'options',
  PATCH: 'patch',
  POST: 'post',
  PUT: 'put',
} as const;

export type Method = keyof typeof verbs;

/** One HTTP request as it is: the body goes out unchanged, whatever the headers say. */
export async function send(
  url: string,
  method: Method,
  path = '',
  headers: Readonly<Record<string, string>> = {},
  body?: string | Buffer,
): Promise<Response> {
  const sent = request(url)[verbs[method]](path).set(headers);
  // Given to `send`, a buffer would be encoded.
  if (Buffer.isBuffer(body)) sent.write(body);
  else if (body !== undefined) sent.send(body);
  return sent;
}
