import type { RequestHandler } from 'express';

/** Lets requests for these files of a folder pass, and no others, such as its manifest. */
export function only(names: readonly string[]): RequestHandler {
  return (request, _response, next) => next(names.includes(request.path.slice(1)) ? undefined : 'router');
}
