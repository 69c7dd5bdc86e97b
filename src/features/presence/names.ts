/** The first segment of the channels on which presence is told. */
export const SEGMENT = 'presence';

/** The list of all sessions: the name of its roster, and the channel on which it is told. */
export const EVERYONE = `/${SEGMENT}/everyone`;

/** Clients publish here to get a fresh snapshot. */
export const REQUEST = `/service/${SEGMENT}`;

/** Whether a channel or pattern is one on which presence is told. */
export function isReserved(channel: string): boolean {
  return channel === `/${SEGMENT}` || channel.startsWith(`/${SEGMENT}/`);
}

/** The name of the roster that is told on a channel: the channel without its first segment, or `EVERYONE`. */
export function rosterOf(channel: string): string {
  return channel === EVERYONE ? EVERYONE : channel.slice(SEGMENT.length + 1);
}

/** The channel on which a roster is told. */
export function channelOf(roster: string): string {
  return roster === EVERYONE ? EVERYONE : `/${SEGMENT}${roster}`;
}
