// The key of an event is `e`, its id in 16 digits and its channel, so that events are in order of id. Its value is the id of the
// event before it on its channel, then its text. The highest discarded id of a channel is at `c` and its name. All other keys
// begin with `m`.
const DIGITS = 16;

/** The key ranges of all events and of all channels. */
export const eventKeys = { gte: 'e', lt: 'f' } as const;
export const channelKeys = { gte: 'c', lt: 'd' } as const;

export const formatKey = 'mformat';
export const headKey = 'mhead';
export const runKey = 'mrun';

/** The key of an event. */
export function eventKey(id: number, channel: string): string {
  return `e${String(id).padStart(DIGITS, '0')}${channel}`;
}

/** The id and channel in the key of an event. */
export function readEventKey(key: string): [id: number, channel: string] {
  return [Number(key.slice(1, 1 + DIGITS)), key.slice(1 + DIGITS)];
}

/** The key of a channel. */
export function channelKey(name: string): string {
  return `c${name}`;
}

/** The name in the key of a channel. */
export function readChannelKey(key: string): string {
  return key.slice(1);
}

/** The value of an event, decoded. */
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
