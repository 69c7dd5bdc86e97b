import { connect } from './connection.js';
import { contactName, directChannel, hearDirect, receiptOf, showContacts } from './direct.js';
import { $ } from './dom.js';
import { becomeUser, identity, me, newId, rename } from './me.js';
import { change, remove, show, showKept, showMessages } from './messages.js';
import { forgetPeople, takePresence } from './people.js';
import { openRoom, showRooms, view } from './rooms.js';
import { endTyping, hasStopped, hasTyped, showTyping, tellTyping } from './typing.js';

const transports = { websocket: 'WebSocket', eventsource: 'EventSource' };
const tokenFaults = {
  '401::token_missing': 'the server asks for a token',
  '401::token_invalid': 'the server refused the token',
  '401::token_expired': 'the token has expired',
};

let link;
/** The connection: `waiting` for its first answer, `open`, or `lost` and tried again. */
let state;
/** The room whose messages come, and all channels of it. */
let joined;
let hearing = [];
/** Replay id of the newest message that came, by room. */
const newest = new Map();

/** Starts a new session. Messages on the page stay; the server repeats those that came since. */
function start() {
  link?.close();
  joined = undefined;
  become('waiting', 'Connecting …');
  const url = new URL(document.querySelector('meta[name=bayeux]').content, location.origin).href;
  const on = { session, open, lost, ended: start };
  link = connect({ url, only: $('transport').value, identity: identity(), on });
  link.hear(directChannel, hearDirect);
}

function session({ user }) {
  if (user !== undefined) becomeUser(user);
  $('name').value = me.name;
  joined = undefined;
  void join();
  link.subscribe('/presence/everyone', ({ data: { total } }) => {
    $('everyone').textContent = `${total} online on this server`;
  });
}

function open(transport, interval) {
  const turns = interval > 0 ? `, every ${interval / 1000} s because of another tab` : '';
  const over = `over ${transports[transport] ?? transport}${turns}`;
  askForToken(false);
  become(
    'open',
    navigator.onLine ? `Connected ${over}` : `The browser is offline, yet the server answers ${over}`,
  );
  $('status').dataset.transport = transport;
  send();
}

/** The connection is lost, or the server opens none: then it says why. */
function lost(error) {
  const isUnsent = error === '401::token_missing' && sessionStorage.getItem('token') !== null;
  const reason = isUnsent
    ? 'callback-polling sends no token, choose another transport'
    : (tokenFaults[error] ?? error);
  become('lost', reason ? `Not connected: ${reason}` : 'No answer from the server …');
  if (error in tokenFaults) askForToken(true);
}

function become(next, text) {
  const isOffline = next !== 'open' && !navigator.onLine;
  state = next;
  $('status').textContent = isOffline ? 'You are offline' : text;
  Object.assign($('status').dataset, { state: isOffline ? 'offline' : state, transport: '' });
  if (state !== 'open') change('sending', () => ({ fate: 'waiting' }));
}

function askForToken(isAsked) {
  $('login').hidden = !isAsked;
  $('compose').hidden = isAsked;
  $('name').disabled = sessionStorage.getItem('token') !== null;
}

/** Goes into the room of the address: hears its messages, who is there, and who types. */
async function join() {
  const { channel, typing } = view();
  if (channel === joined) return;
  if (joined) for (const one of hearing) link.unsubscribe(one);
  joined = channel;
  hearing = [channel, typing, `/presence${channel}`];
  forgetPeople();
  const replied = hearRoom(channel);
  link.subscribe(typing, ({ data: { from, name } }) => from !== me.id && hasTyped(channel, from, name));
  link.subscribe(`/presence${channel}`, ({ data }) => {
    if (takePresence(data)) link.publish('/service/presence', { channel: `/presence${channel}` });
  });
  const { successful, error, ext } = await replied;
  if (joined !== channel) return;
  $('problem').textContent = successful
    ? ''
    : `No messages come: the server refused the subscription (${error})`;
  $('history').textContent = ext?.replay ? 'History is on' : 'History is off: a reload clears this page';
  send();
}

/** Subscribes to a room, and asks for the messages since the newest that came: -2 means all that the server keeps. */
async function hearRoom(channel) {
  const subscribe = (ext) => link.subscribe(channel, (message) => hear(channel, message), ext);
  let reply = await subscribe({ replay: { [channel]: newest.get(channel) ?? -2 } });
  if (reply.error?.endsWith(':replay_id_invalid')) {
    const text = 'Messages may be missing here: the server no longer has all of them';
    show({ id: newId(), place: channel, text });
    newest.delete(channel);
    reply = await subscribe({ replay: { [channel]: -2 } });
  }
  return reply.error?.endsWith(':history_denied') ? subscribe({}) : reply;
}

/** A message to the room. It says itself who wrote it: the server does not check that, as it does for direct messages. */
function hear(place, { data, ext }) {
  if (Number.isInteger(ext?.replayId)) newest.set(place, Math.max(newest.get(place) ?? 0, ext.replayId));
  if (typeof data?.text !== 'string') return;
  hasStopped(data.from);
  const { id = ext?.replayId ?? newId(), from = 'nobody', name = 'Somebody', text, event } = data;
  show({ id, place, from, name: String(name), text, at: event?.createdDate });
}

/** Sends what waits. */
function send() {
  if (state === 'open' && joined) change('waiting', sendOne);
}

function sendOne(message) {
  const { id, place, name, text } = message;
  const [, person] = /^@(.+)$/.exec(place) ?? [];
  const sent = person
    ? link.publish(directChannel, { receivers: [person], payload: { text } })
    : link.publish(place, { id, from: me.id, name, text });
  sent.then(({ fate, why, ext }) =>
    show({ ...message, from: me.id, fate, why, note: receiptOf(person, ext) }),
  );
  return { fate: 'sending' };
}

/** Shows the room or the person in the address. */
function showView() {
  const { room, person } = view();
  document.body.dataset.kind = person ? 'direct' : 'room';
  $('room-name').textContent = person ? contactName(person) : room;
  for (const id of ['rooms', 'people']) $(id).hidePopover();
  for (const showPart of [showMessages, showTyping, showRooms, showContacts]) showPart();
  if (joined) void join();
}

/** Moves a token from the address to the tab's memory: the address may be copied, and is in the history. */
function readAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    sessionStorage.setItem('token', token);
    history.replaceState(null, '', location.pathname + location.search);
    if (link) start();
  }
  showView();
}

/** What a form or a field does. */
const actions = {
  'submit new-room': openRoom,
  'submit compose'() {
    const text = $('text').value.trim();
    const { person, place } = view();
    $('text').value = '';
    const message = { id: newId(), place, from: me.id, name: me.name, text, fate: 'waiting', at: Date.now() };
    if (text !== '') show(person ? { ...message, contact: contactName(person) } : message);
    showContacts();
    endTyping();
    send();
  },
  'input text'() {
    const { person, typing } = view();
    if (state !== 'open' || $('text').value.trim() === '') return;
    const toPerson = { receivers: [person], payload: { typing: true }, volatile: true };
    tellTyping(() =>
      person ? link.publish(directChannel, toPerson) : link.publish(typing, { from: me.id, name: me.name }),
    );
  },
  'click unsent'({ target: { name, value } }) {
    if (name === 'delete') remove(value);
    if (name === 'again') change('refused', ({ id }) => (id === value ? { fate: 'waiting' } : {}));
    $('text').focus();
    send();
  },
  'submit login'() {
    sessionStorage.setItem('token', $('token').value.trim());
    $('token').value = '';
    start();
  },
  'change name'() {
    rename($('name').value.trim() || me.name);
    start();
  },
  'change transport'() {
    const url = new URL(location.href);
    url.searchParams.set('transport', $('transport').value);
    if ($('transport').value === '') url.searchParams.delete('transport');
    history.replaceState(null, '', url);
    start();
  },
};

for (const [name, act] of Object.entries(actions)) {
  const [type, id] = name.split(' ');
  $(id).addEventListener(type, (event) => {
    if (type === 'submit') event.preventDefault();
    act(event);
  });
}
const asked = new URL(location.href).searchParams.get('transport') ?? '';
$('transport').value = [...$('transport').options].some(({ value }) => value === asked) ? asked : '';
$('name').value = me.name;
showKept();
readAddress();
addEventListener('hashchange', readAddress);
addEventListener('pagehide', () => link?.close());
// After loading, since a script of callback-polling that is held would delay it; and when the browser brings the page back.
addEventListener('pageshow', start);
// A client may notice a lost network late. The page connects anew even then: a server on this machine still answers.
addEventListener('offline', start);
addEventListener('online', start);
