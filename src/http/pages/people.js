import { cometd } from './connection.js';
import { $, showLinks } from './dom.js';
import { me } from './me.js';
import { hear, view } from './rooms.js';

/** Who is in the room, and who was, by id. */
const people = new Map();

export const nameIn = ({ id, info }) => String(info?.name ?? id);
export const nameOf = (id) => nameIn(people.get(id) ?? { id });

/** Hears who is in a room. All users come first, in a snapshot, and then each change. */
export function hearPeople(room) {
  const channel = `/presence${room}`;
  let last;
  hear(channel, ({ data: { type, users = [], user, seq, page = 1 } }) => {
    // The changes are numbered. If one is missing, the server is asked for a new snapshot.
    if (type !== 'snapshot' && seq !== last + 1) return cometd.publish('/service/presence', { channel });
    last = seq;
    if (type === 'snapshot' && page === 1) for (const one of people.values()) one.sessions = 0;
    for (const one of user ? [user] : users) people.set(one.id, one);
    showPeople();
  });
}

/** Shows who is there: a person who has left has no session. */
export function showPeople() {
  const present = [...people.values()].filter(({ sessions }) => sessions > 0);
  const links = present.map(linkTo).sort((a, b) => a.name.localeCompare(b.name));
  showLinks('people-list', links);
  for (const count of document.querySelectorAll('.people-count')) count.textContent = links.length;
  $('receiver').textContent = nameOf(view().person);
}

function linkTo(user, _at, present) {
  const { id, sessions } = user;
  const { room, person } = view();
  const name = nameIn(user);
  // Guests choose their names, so two may have the same: the id tells them apart.
  const isTwice = present.some((other) => other.id !== id && nameIn(other) === name);
  const notes = [isTwice && `#${id.slice(0, 4)}`, id === me.id && 'you', sessions > 1 && `${sessions} tabs`];
  const href = id === me.id ? '' : `#${new URLSearchParams({ room, person: id })}`;
  return { id, name, href, note: notes.filter(Boolean).join(' · '), isHere: id === person };
}
