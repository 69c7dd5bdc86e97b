import type { JsonObject } from '../protocol/message.ts';

/** The user of a session. */
export interface User {
  /** `server.user` and `Directory.sessionsOf` find the user's sessions by it. */
  readonly id: string;
  /** More about the user: plain JSON. */
  readonly info: JsonObject;
}

/** A user as the application names it: the id, or the id and more. */
export type GivenUser = string | { readonly id: string; readonly info?: JsonObject };
