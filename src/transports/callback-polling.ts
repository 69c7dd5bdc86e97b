import type { Server } from './options.ts';
import { recover } from '../lib/maybe-promise.ts';
import { valuesOf } from './form.ts';
import { messagesOf } from './body.ts';
import { commonHeaders, type Handle, HttpError, type HttpRequest } from './http.ts';
import { HttpExchange } from './http-exchange.ts';
import { turnAway } from './turn-away.ts';

const headers = (length: number) => ({
  ...commonHeaders,
  'Content-Type': 'text/javascript; charset=utf-8',
  'Content-Disposition': 'attachment; filename=f.txt',
  'Content-Length': length,
});

/** `callback-polling`: a GET that is answered by a script, for pages that can use no other transport (CP-1 to CP-8). */
export function callbackPolling(server: Server): Handle {
  const { parameter, maxLength } = server.options.callbackPolling;
  return (req, res) =>
    recover(
      () => {
        const texts = messagesOf(queryOf(req));
        const callback = callbackOf(req, parameter, maxLength);
        // CP-3: the prefix keeps plug-ins from taking the body for a file of another type.
        const around = `/**/${callback}();`.length;
        const body = (json: string) => `/**/${callback}(${escaped(json)});`;
        const format = { headers, around, body };
        return HttpExchange.receive(server, 'callback-polling', texts, { req, res, format });
      },
      (error) => turnAway(error, req, res, server),
    );
}

// CP-2: the name of a function, and nothing else.
const legalCallback = /^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$/;

function callbackOf(req: HttpRequest, parameter: string, maxLength: number): string {
  const [callback = 'jsonpcallback'] = valuesOf(queryOf(req), parameter);
  if (callback.length > maxLength || !legalCallback.test(callback)) {
    throw new HttpError(400, 'Bad request: the name of the callback is no JavaScript name, or too long');
  }
  return callback;
}

function queryOf({ url = '' }: HttpRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}

const escapes: Record<string, string> = { '<': '\\u003c', '\u2028': '\\u2028', '\u2029': '\\u2029' };

// CP-4: escapes what could end a script.
function escaped(json: string): string {
  return json.replace(/[<\u2028\u2029]/g, (character) => escapes[character] ?? '');
}
