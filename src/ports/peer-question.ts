/** What a node asks another. Plain JSON, as the answer is. */
export type PeerQuestion =
  | { readonly of: 'sessionsOf'; readonly user: string }
  | { readonly of: 'members'; readonly channel: string }
  | { readonly of: 'count'; readonly channel?: string };
