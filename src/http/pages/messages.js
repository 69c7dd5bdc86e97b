import { $, colour, copyOf, initial } from './dom.js';
import { me } from './me.js';
import { view } from './rooms.js';

/** How many messages stay on the page. */
const maxShown = 500;

/** The messages, with their elements, by id. A message has a place, and a fate: `sent`, or what it waits for. */
const all = new Map();
/** How many messages came to a place while another was shown. */
export const unread = new Map();

const fates = {
  sent: ({ note = '' }) => note,
  sending: () => 'Sending …',
  waiting: () => 'Not sent yet',
  refused: ({ why }) => `Not sent: the server refused it (${why})`,
};

/** Shows a message, once: it may come again, by a replay or from a sender that missed the reply. */
export function show(message) {
  const { id, place, from, fate = 'sent' } = message;
  const before = all.get(id);
  if (before?.fate === 'sent') return;
  const item = itemOf(message);
  const list = $(fate === 'sent' ? 'messages' : 'unsent');
  if (before?.item.parentNode === list) before.item.replaceWith(item);
  else if (place === view().place) list.append(item);
  else if (before === undefined) unread.set(place, (unread.get(place) ?? 0) + 1);
  if (before?.item.parentNode !== list) before?.item.remove();
  if (from === me.id) $('scroll').scrollTop = 0;
  all.delete(id);
  all.set(id, { ...message, fate, item });
  if (all.size > maxShown) remove(all.keys().next().value);
  keep();
}

export function remove(id) {
  all.get(id)?.item.remove();
  all.delete(id);
  keep();
}

/** Shows the messages of the place in the address. */
export function showMessages() {
  const here = [...all.values()].filter(({ place }) => place === view().place);
  unread.delete(view().place);
  $('messages').replaceChildren(...here.filter(({ fate }) => fate === 'sent').map(({ item }) => item));
  $('unsent').replaceChildren(...here.filter(({ fate }) => fate !== 'sent').map(({ item }) => item));
}

/** The messages to and from persons. */
export const directMessages = () => [...all.values()].filter(({ place }) => place.startsWith('@'));

/** Changes the fate of all messages that have this one. */
export function change(fate, next) {
  for (const one of [...all.values()]) if (one.fate === fate) show({ ...one, ...next(one) });
}

function itemOf(message) {
  const { from = '', name = '', text, at, id, fate = 'sent' } = message;
  const item = copyOf('message', {
    '.badge': initial(name),
    strong: name,
    '.text': text,
    '.fate': fates[fate](message),
  });
  item.className = from === '' ? 'note' : from === me.id ? 'mine' : '';
  for (const button of item.querySelectorAll('button')) button.value = id;
  item.dataset.fate = fate;
  colour(item, from);
  showTime(item.querySelector('time'), new Date(at ?? Date.now()));
  return item;
}

function showTime(element, at) {
  const day = at.toDateString() === new Date().toDateString() ? {} : { weekday: 'short' };
  element.dateTime = at.toISOString();
  element.textContent = at.toLocaleTimeString([], { ...day, hour: '2-digit', minute: '2-digit' });
}

/** Keeps for a reload what the server does not: messages that are not sent yet, and those of persons. */
function keep() {
  const kept = [...all.values()].filter(({ fate, place }) => fate !== 'sent' || place.startsWith('@'));
  sessionStorage.setItem('messages', JSON.stringify(kept));
}

export function showKept() {
  for (const one of JSON.parse(sessionStorage.getItem('messages') ?? '[]')) show(one);
  change('sending', () => ({ fate: 'waiting' }));
  unread.clear();
}
