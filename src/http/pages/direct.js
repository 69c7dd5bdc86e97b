import { $, showList } from './dom.js';
import { directMessages, show, unread } from './messages.js';
import { nameIn, nameOf } from './people.js';
import { addressOf, view } from './rooms.js';
import { hasStopped, hasTyped } from './typing.js';

/** Messages on this channel go to the sessions of the receivers, and to no others. */
export const directChannel = '/service/direct';

const receipts = {
  queued: 'Not delivered yet: it waits for this person',
  offline: 'Not delivered: this person is not here',
  denied: 'Not delivered: the server does not allow it',
};

/** What the sender is told of a message, from the reply to it. */
export const receiptOf = (person, ext) => receipts[ext?.receipts?.[person]];

/** A message came. The server says who sent it, and nobody can forge that. A copy from another own tab has its receivers. */
export function hearDirect({ data: { from, receivers, payload, id } }) {
  const person = receivers?.[0] ?? from.id;
  const place = `@${person}`;
  const name = nameIn(from, from.id);
  if (payload?.typing && receivers === undefined) return hasTyped(place, person, name);
  if (typeof payload?.text !== 'string') return;
  hasStopped(from.id);
  show({ id, place, from: from.id, name, text: payload.text, contact: receivers ? nameOf(person) : name });
  showContacts();
}

/** The names of persons with whom there are messages, by place. */
const contacts = () => new Map(directMessages().map(({ place, contact }) => [place, contact]));

export const contactName = (person) => contacts().get(`@${person}`) ?? nameOf(person);

export function showContacts() {
  const entries = Array.from(contacts(), ([place, name]) => ({
    name,
    href: addressOf(place.slice(1)),
    badge: place.slice(1),
    note: unread.has(place) ? `${unread.get(place)} new` : '',
    isHere: place === view().place,
  }));
  showList('direct-list', entries);
  $('direct').hidden = entries.length === 0;
  $('rooms-count').textContent = entries.some(({ note }) => note) ? 'new' : '';
}
