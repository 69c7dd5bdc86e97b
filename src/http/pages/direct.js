import { me } from './me.js';
import { show } from './messages.js';
import { nameIn, nameOf } from './people.js';
import { showTyping } from './typing.js';
import { send } from './unsent.js';

/** Messages to and from persons. The server keeps none for a reload, so this tab does. */
const kept = JSON.parse(me.direct ?? '[]');
for (const message of kept) show(message);

function keep(message, sender, receiver) {
  kept.push({ ...message, name: `${sender} to ${receiver}`, at: Date.now(), kind: 'direct' });
  me.direct = JSON.stringify(kept.slice(-100));
  return kept.at(-1);
}

/** A message came. The server says who sent it, and nobody can forge that. A copy from another own tab has its receivers. */
export function hearDirect({ data: { from, receivers, payload, id } }) {
  if (payload?.typing && !receivers) return showTyping(nameIn(from));
  if (typeof payload?.text !== 'string') return;
  const receiver = receivers ? nameOf(receivers[0]) : me.name;
  show(keep({ id, from: from.id, text: payload.text }, nameIn(from), receiver));
}

/** Sends a message to the sessions of one person, and to no others. */
export function sendDirect(message, person) {
  const data = { receivers: [person], payload: { text: message.text } };
  send(keep(message, me.name, nameOf(person)), '/service/direct', data);
}
