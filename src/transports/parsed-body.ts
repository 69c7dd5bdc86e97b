import { isForm, textsOf } from './body.ts';
import { HttpError, type HttpRequest, tooLarge } from './http.ts';

/** The JSON texts of a body that a parser has already read: the same batch as without the parser. */
export function textsOfParsed(
  req: HttpRequest,
  type: string,
  limits: { readonly maxMessageSize: number },
): string | readonly string[] {
  // `express.json()` makes an object of an empty body.
  const texts = read(req.headers['content-length'] === '0' ? '' : req.body, type, limits);
  const length = [texts].flat().reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (length > limits.maxMessageSize) throw tooLarge(limits);
  return texts;
}

function read(
  body: unknown,
  type: string,
  limits: { readonly maxMessageSize: number },
): string | readonly string[] {
  if (typeof body === 'string') return textsOf(Buffer.from(body), type);
  if (Buffer.isBuffer(body)) return textsOf(body, type);
  if (typeof body !== 'object' || body === null) {
    throw new HttpError(400, 'Bad request: something before this handler has read the body and left none');
  }
  return looksLikeForm(body, type) ? messagesIn(body.message) : encode(body, limits);
}

function looksLikeForm(body: object, type: string): body is { message: unknown } {
  return 'message' in body && (isForm(type) || !('channel' in body));
}

// Form parsers give one value, an array of several, or above some number an object of them.
function messagesIn(message: unknown): readonly string[] {
  if (typeof message === 'string') return [message];
  const values = typeof message === 'object' && message !== null ? Object.values(message) : [];
  return values.filter((value) => typeof value === 'string');
}

function encode(body: object, limits: { readonly maxMessageSize: number }): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    // Too deep to be serialised, and so far deeper than is allowed.
    throw tooLarge(limits, { cause });
  }
}
