import { $ } from './dom.js';
import { view } from './rooms.js';

/** Who is typing, by id: the name, the place, and the timer that ends it. */
const typists = new Map();
let told = { at: 0, place: '' };

/** Tells others that this person types, at most every 1.5 seconds. */
export function tellTyping(send) {
  const { place } = view();
  if (place === told.place && Date.now() - told.at < 1_500) return;
  told = { at: Date.now(), place };
  send();
}

/** A message was sent: the next key is a new beginning. */
export function endTyping() {
  told = { at: 0, place: '' };
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
