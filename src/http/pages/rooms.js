import { $, showList } from './dom.js';

/** Where the messages of a room are published: its name follows. */
const prefix = document.querySelector('meta[name=rooms]').content;
const isName = (name) => /^[\w-]{1,24}$/.test(name);
const rooms = new Set(['lobby', 'help', 'random', ...JSON.parse(localStorage.getItem('rooms') ?? '[]')]);

/** What the address of the page shows: a room, or a person who was met there. Its place is where messages go. */
export function view() {
  const address = new URLSearchParams(location.hash.slice(1));
  const room = isName(address.get('room') ?? '') ? address.get('room') : 'lobby';
  const person = address.get('with') ?? '';
  const channel = prefix + room;
  return { room, person, channel, typing: `/typing/${room}`, place: person === '' ? channel : `@${person}` };
}

export const addressOf = (person) => `#${new URLSearchParams({ room: view().room, with: person })}`;

export function showRooms() {
  const { room, person } = view();
  rooms.add(room);
  localStorage.setItem('rooms', JSON.stringify([...rooms].slice(-15)));
  showList(
    'room-list',
    Array.from(rooms, (name) => ({ name, href: `#room=${name}`, isHere: name === room && !person })),
  );
}

/** Goes to the room that somebody typed. Its name becomes a part of a channel, so few characters are allowed. */
export function openRoom() {
  const name = $('new-room-name').value.trim().toLowerCase().replaceAll(/\s+/g, '-');
  if (isName(name)) location.hash = `room=${name}`;
  $('new-room-name').value = '';
}
