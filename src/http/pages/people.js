import { showList } from './dom.js';
import { me } from './me.js';
import { addressOf } from './rooms.js';

/** Who is in the room, by id. */
const people = new Map();
let seq;

export const nameIn = (user, id) => String(user?.info?.name ?? (user?.anonymous ? 'Somebody' : id));
export const nameOf = (id) => nameIn(people.get(id), id);

/** Takes an event of the list: all users first, then each change. Answers whether a change is missing before it. */
export function takePresence({ type, users = [], user, seq: next, page = 1 }) {
  if (type !== 'snapshot' && next !== seq + 1) return true;
  seq = next;
  if (type === 'snapshot' && page === 1) people.clear();
  for (const one of user ? [user] : users) people.set(one.id, one);
  if (type === 'leave') people.delete(user.id);
  showPeople();
  return false;
}

export function forgetPeople() {
  people.clear();
  showPeople();
}

function showPeople() {
  const all = Array.from(people.values(), (user) => ({ ...user, name: nameIn(user, user.id) }));
  const entries = all.map(({ id, name, anonymous, sessions }) => {
    // Guests choose their names, so two may have the same: the id tells them apart.
    const isTwice = all.some((other) => other.name === name && other.id !== id);
    const notes = [
      isTwice && `#${id.slice(0, 4)}`,
      id === me.id && 'you',
      sessions > 1 && `${sessions} tabs`,
    ];
    const href = id === me.id || anonymous ? undefined : addressOf(id);
    return { name, href, badge: id, note: notes.filter(Boolean).join(' · ') };
  });
  showList(
    'people-list',
    entries.sort((a, b) => a.name.localeCompare(b.name)),
  );
  for (const count of document.querySelectorAll('.people-count')) count.textContent = all.length;
}
