import { $ } from './dom.js';
import { view } from './rooms.js';

/** Who is typing, by id: the name, the place, and the timer that ends it. */
const typists = new Map();
let toldAt = 0;

/** Tells others that this person types, at most every 1.5 seconds. */
export function tellTyping(send) {
  if (Date.now() - toldAt < 1_500) return;
  toldAt = Date.now();
  send();
}

/** Somebody typed: that is shown for 4 seconds, or until the message comes. */
export function hasTyped(place, id, name) {
  clearTimeout(typists.get(id)?.timer);
  typists.set(id, { place, name, timer: setTimeout(() => hasStopped(id), 4_000) });
  showTyping();
}

export function hasStopped(id) {
  clearTimeout(typists.get(id)?.timer);
  typists.delete(id);
  showTyping();
}

export function showTyping() {
  const names = [...typists.values()].filter(({ place }) => place === view().place).map(({ name }) => name);
  const verb = names.length === 1 ? 'is' : 'are';
  $('typing').textContent = names.length === 0 ? '' : `${names.slice(0, 3).join(', ')} ${verb} typing …`;
}
