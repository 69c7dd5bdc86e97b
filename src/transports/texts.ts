import { textOf } from './body.ts';
import { valuesOf } from './form.ts';
import { HttpError } from './http.ts';

/** The JSON texts in a body: the body itself, or the `message` parameters of a form. `type` is its Content-Type in lower case. */
export function textsOf(bytes: Buffer, type: string): string | readonly string[] {
  const json = type.startsWith('application/json') || (!isForm(type) && looksLikeJson(bytes));
  return json ? textOf(bytes) : messagesOf(bytes.toString('latin1'));
}

/** The `message` parameters of a form or query. Throws `HttpError` 400 when there is none. */
export function messagesOf(encoded: string): readonly string[] {
  const messages = valuesOf(encoded, 'message');
  if (messages.length === 0)
    throw new HttpError(400, 'Bad request: the body or query is neither JSON nor has a parameter "message"');
  return messages;
}

/** Whether a body of this type is a form, and says so. */
export function isForm(type: string): boolean {
  return type.startsWith('application/x-www-form-urlencoded');
}

const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);
const MARK = [0xef, 0xbb, 0xbf];
const OPENING = new Set([0x5b, 0x7b]);

// LP-3: Faye posts its form as text/plain, and CometD takes JSON that is not labelled at all.
function looksLikeJson(bytes: Buffer): boolean {
  let at = MARK.every((byte, index) => bytes[index] === byte) ? MARK.length : 0;
  while (BLANK.has(bytes[at] ?? 0)) at += 1;
  return OPENING.has(bytes[at] ?? 0);
}
