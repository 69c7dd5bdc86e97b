import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';

const script = fileURLToPath(new URL('./pages/vendor/faye-client.js', import.meta.url));

/** Serves Faye's browser client where sites load it: `<mount>/client.js` and `<mount>.js`. Use it before the mount itself. */
export function fayeClient(mount: string): Router {
  return express.Router().get([`${mount}/client.js`, `${mount}.js`], (_request, response) => {
    response.set('X-Content-Type-Options', 'nosniff').sendFile(script);
  });
}
