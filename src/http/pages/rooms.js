import { cometd } from './connection.js';
import { showLinks } from './dom.js';

/** Where the messages of a room are published: its name follows. */
const prefix = document.querySelector('meta[name=rooms]').content;
const rooms = new Set(['lobby', 'help', 'random', ...JSON.parse(localStorage.getItem('rooms') ?? '[]')]);
const subscriptions = [];

/**
 * What the address of the page says: the room, the person to whom messages go, if not to all in the room, and a token. The name of
 * the room becomes a part of a channel, so few characters are allowed.
 */
export function view() {
  const address = new URLSearchParams(location.hash.slice(1));
  const { room: asked = '', person, token } = Object.fromEntries(address);
  const room = /^[\w-]{1,24}$/.test(asked) ? asked : 'lobby';
  return { room, channel: prefix + room, typing: `/typing/${room}`, person, token };
}

/** Subscribes to a channel until the page goes to another room. */
export function hear(channel, listener, ext, replied) {
  subscriptions.push(cometd.subscribe(channel, listener, { ext }, replied));
}

export function leave() {
  for (const subscription of subscriptions.splice(0)) cometd.unsubscribe(subscription);
}

export function showRooms() {
  const { room } = view();
  rooms.add(room);
  localStorage.setItem('rooms', JSON.stringify([...rooms].slice(-15)));
  const links = Array.from(rooms, (name) => ({ name, href: `#room=${name}`, isHere: name === room }));
  showLinks('room-list', links);
}
