declare module 'express-4' {
  export { default } from 'express';
}

declare module 'compression' {
  import type { RequestHandler } from 'express';
  export default function compression(options?: { threshold?: number }): RequestHandler;
}
