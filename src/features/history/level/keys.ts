// An event is at `e`, its id in 16 digits, and its channel, so that events lie in the order of ids and the keys say all that has
// to be known at open. Its value has the id of the event before it on its channel, then its text. What was discarded from a channel is at `c` and its name. The rest begins with `m`.
const DIGITS = 16;

/** The keys of all events, and of all channels. */
export const eventKeys = { gte: 'e', lt: 'f' } as const;
export const channelKeys = { gte: 'c', lt: 'd' } as const;

export const formatKey = 'mformat';
export const headKey = 'mhead';
export const runKey = 'mrun';

/** Where an event is kept. */
export function eventKey(id: number, channel: string): string {
  return `e${String(id).padStart(DIGITS, '0')}${channel}`;
}

/** The id and the channel that are in the key of an event. */
export function readEventKey(key: string): [id: number, channel: string] {
  return [Number(key.slice(1, 1 + DIGITS)), key.slice(1 + DIGITS)];
}

/** Where is kept up to which id a channel's events were discarded. */
export function channelKey(name: string): string {
  return `c${name}`;
}

/** The name that is in the key of a channel. */
export function readChannelKey(key: string): string {
  return key.slice(1);
}

/** An event as its value says it. */
export interface EventValue {
  /** The id of the event before it on its channel; 0 when none is known. */
  readonly previous: number;
  readonly json: string;
}

export function eventValue({ previous, json }: EventValue): string {
  return `${previous} ${json}`;
}

export function readEventValue(value: string): EventValue {
  const end = value.indexOf(' ');
  return { previous: Number(value.slice(0, end)), json: value.slice(end + 1) };
}
