import express, { type Request, type RequestHandler } from 'express';
import { overLimit } from '../../protocol/over-limit.ts';
import { Problem } from './problem.ts';

/** Levels of a body around the data of an event: `{ events: [{ data }] }`. */
const AROUND = 3;

/** Reads a JSON body, unless an earlier parser did. */
export function jsonBody({ maxMessageSize }: { readonly maxMessageSize: number }): RequestHandler {
  const parse = express.json({ limit: maxMessageSize, strict: false, type: () => true });
  return (req, res, next) => {
    const type = req.get('content-type');
    if (type === undefined || isJson(type)) return parse(req, res, next);
    throw new Problem(
      'media_type_wrong',
      'the body must be sent as JSON, with the header "Content-Type: application/json"',
    );
  };
}

/** The body of a request. Throws `Problem` if it nests too deep for code that walks through it. */
export function bodyOf({ body }: Request, { maxDepth }: { readonly maxDepth: number }): unknown {
  const value: unknown = body;
  if (isDeeper(value, maxDepth + AROUND))
    throw new Problem('depth_exceeded', overLimit('maxDepth', maxDepth));
  return value;
}

function isJson(type: string): boolean {
  return /^\s*application\/(?:json|[^\s;/]+\+json)\s*(?:;|$)/i.test(type);
}

// `levels` bounds the recursion.
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
