import { isObject } from '../protocol/message.ts';

/** The `code` and `detail` of a problem of the HTTP API; without a code, the beginning of a text that is none. */
export function problemIn(text: string): { readonly code?: string; readonly detail: string } {
  try {
    const problem: unknown = JSON.parse(text);
    if (isObject(problem) && typeof problem.detail === 'string')
      return { code: String(problem.code), detail: problem.detail };
  } catch {
    // The answer of something between here and the server.
  }
  return { detail: text.slice(0, 200) };
}
