import { $, colour, copyOf } from './dom.js';
import { me } from './me.js';

/** Shows a message at its time, and once: it may come again, by a replay or when it was sent twice. */
export function show({ id, from = '', name, text, at = Date.now(), note = '', kind = 'room' }) {
  if ($(`message-${id}`)) return;
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const item = copyOf('message', {
    '.badge': [...name][0],
    strong: name,
    time,
    '.text': text,
    '.note': note,
  });
  Object.assign(item, { id: `message-${id}`, className: from === me.id ? 'mine' : '' });
  Object.assign(item.dataset, { kind, at: date.toISOString() });
  colour(item, from);
  const later = [...$('messages').children].find(({ dataset }) => dataset.at > item.dataset.at);
  $('messages').insertBefore(item, later ?? null);
  $('typing').replaceChildren();
  if (from === me.id) $('scroll').scrollTop = 0;
}

/** Says what became of a message. */
export function setNote(id, text) {
  $(`message-${id}`)?.querySelector('.note').replaceChildren(text);
}

/** Removes the messages of a room. Those to and from persons stay. */
export function clearRoom() {
  for (const item of document.querySelectorAll('#messages [data-kind=room]')) item.remove();
}
