import { cometd, isConnected } from './connection.js';
import { $ } from './dom.js';
import { me } from './me.js';
import { view } from './rooms.js';

/** When the others were last told that this person types. */
let told = 0;
let timer;

/** Tells the others, at the first key of a message and then every 2 seconds. Such a message comes at once or not at all. */
export function tellTyping() {
  if (!isConnected() || ($('text').value.length > 1 && Date.now() - told < 2_000)) return;
  told = Date.now();
  const { person, typing } = view();
  const toPerson = { receivers: [person], payload: { typing: true }, volatile: true };
  if (person) cometd.publish('/service/direct', toPerson);
  else cometd.publish(typing, { from: me.id, name: me.name });
}

/** Shows for 4 seconds, or until a message comes, that somebody types. */
export function showTyping(name) {
  clearTimeout(timer);
  timer = setTimeout(() => $('typing').replaceChildren(), 4_000);
  $('typing').textContent = `${name} is typing …`;
}
