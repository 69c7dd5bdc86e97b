import { joinByCometd } from './cometd-link.js';
import { joinByFaye } from './faye-link.js';

const names = {
  websocket: 'WebSocket',
  eventsource: 'EventSource',
  'long-polling': 'long-polling',
  'callback-polling': 'callback-polling',
};

/** How many messages stay on the page. */
const maxShown = 500;

/** What is wrong with the token, by the error of the server. */
const tokenFaults = {
  '401::token_missing': 'the server asks for a token',
  '401::token_invalid': 'the server refused the token',
  '401::token_expired': 'the token has expired',
};

const $ = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name=${name}]`).content;
const mount = new URL(meta('bayeux'), location.origin).href;
const room = meta('channel');
const me = remembered('me', newId);

/** The connection, which is `waiting` for its first answer, `open`, or `lost` and tried again. */
let link;
let state = 'waiting';
let transport = '';
let interval = 0;
let reason = '';
let isSubscribed = false;

/** Whether the newest message was in view when the reader last scrolled. */
let wasAtEnd = true;
/** Replay id of the newest message that came. */
let newest;
/** Elements of the messages on the page, by the message's id. */
const shown = new Map();
/** Messages that the server has not accepted yet, by id, in the order they were written. */
const unsent = new Map();

/** Starts a new session with the chosen transport. Messages on the page stay; the server replays those that came since. */
function start() {
  link?.close();
  const only = document.querySelector('#transports input:checked').value;
  const join = only === 'eventsource' ? joinByFaye : joinByCometd;
  isSubscribed = false;
  become('waiting');
  const started = {};
  link = started;
  const whileInUse =
    (listener) =>
    (...args) =>
      void (link === started && listener(...args));
  const on = { message, subscribed, refused, gap, open, lost, denied, broken: start };
  for (const [name, listener] of Object.entries(on)) on[name] = whileInUse(listener);
  // Messages by callback-polling are URLs, and URLs are logged.
  const token = only === 'callback-polling' ? null : sessionStorage.getItem('token');
  const joined = join({ mount, room, only, token, position: () => newest ?? -2, on });
  started.close = () => joined.close();
  started.publish = (data, done) => joined.publish(data, whileInUse(done));
}

function open(type, everyMs) {
  transport = type;
  interval = everyMs;
  askForToken(false);
  become('open');
  sendWaiting();
}

function lost(why = '') {
  reason = why;
  isSubscribed = false;
  become('lost');
}

/** The server opens no session, or ended it. */
function denied(error) {
  const isTokenUnsent = sessionStorage.getItem('token') !== null && error === '401::token_missing';
  lost(
    isTokenUnsent
      ? 'callback-polling sends no token, choose another transport'
      : (tokenFaults[error] ?? error),
  );
  if (error in tokenFaults) askForToken(true);
}

function askForToken(isAsked) {
  $('login').hidden = !isAsked;
  $('compose').hidden = isAsked;
}

function logIn(event) {
  event.preventDefault();
  sessionStorage.setItem('token', $('token').value.trim());
  $('token').value = '';
  start();
}

/** Moves a token from the address to the tab's memory: the address may be copied, and is in the history. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return false;
  sessionStorage.setItem('token', token);
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

function subscribed(isKept) {
  $('problem').textContent = '';
  $('history').textContent = isKept ? 'History is on' : 'History is off: a reload clears this page';
  isSubscribed = true;
  sendWaiting();
}

function refused(error) {
  $('problem').textContent = `No messages come: the server refused the subscription (${error})`;
  isSubscribed = true;
  sendWaiting();
}

/** The server no longer has all events since `newest`: it was restarted, or it discarded some. */
function gap() {
  newest = undefined;
  const note = document.createElement('li');
  note.className = 'note';
  note.textContent = 'Messages may be missing here: the server no longer has all of them';
  append(note);
}

function become(next) {
  state = next;
  if (state !== 'open') for (const one of unsent.values()) if (one.fate === 'sending') mark(one, 'waiting');
  showStatus();
}

function showStatus() {
  const status = $('status');
  const text = statusText();
  if (status.textContent !== text) status.textContent = text;
  status.dataset.state = state !== 'open' && !navigator.onLine ? 'offline' : state;
  status.dataset.transport = state === 'open' ? transport : '';
}

function statusText() {
  const turns = interval > 0 ? `, every ${interval / 1000} s because of another tab` : '';
  const over = `over ${names[transport]}${turns}`;
  if (state === 'open')
    return navigator.onLine ? `Connected ${over}` : `The browser is offline, yet the server answers ${over}`;
  if (!navigator.onLine) return 'You are offline';
  if (state === 'waiting') return 'Connecting …';
  return reason === '' ? 'No answer from the server …' : `Not connected: ${reason}`;
}

/** Shows a message of the room, once: it may come again by a replay, or from a sender that missed the reply. */
function message({ data, ext }) {
  if (Number.isInteger(ext?.replayId)) newest = Math.max(newest ?? 0, ext.replayId);
  if (typeof data?.text !== 'string') return;
  show(data, data.id ?? ext?.replayId ?? newId());
}

function show(data, id) {
  if (shown.has(id)) return;
  forget(id);
  const { name, text, from, event } = data;
  const item = itemOf(name, text, from === me);
  item.querySelector('.who').append(' ', timeOf(event?.createdDate));
  shown.set(id, item);
  append(item, from === me);
  if (shown.size <= maxShown) return;
  const [[oldest, element]] = shown;
  element.remove();
  shown.delete(oldest);
}

/** Adds an item at the end. The view stays in place when the reader has scrolled up. */
function append(item, isMine = false) {
  const follow = isAtEnd() || isMine;
  $(item.dataset.unsent === undefined ? 'messages' : 'unsent').append(item);
  if (follow) toEnd();
}

function isAtEnd() {
  const { scrollTop, clientHeight, scrollHeight } = $('scroll');
  return scrollTop + clientHeight > scrollHeight - 40;
}

function toEnd() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
  wasAtEnd = true;
}

function itemOf(name, text, isMine) {
  const item = document.createElement('li');
  item.classList.toggle('mine', isMine);
  const who = paragraph('who', '');
  const strong = document.createElement('strong');
  strong.textContent = String(name);
  who.append(strong);
  item.append(who, paragraph('text', text));
  return item;
}

function paragraph(className, text) {
  const element = document.createElement('p');
  element.className = className;
  element.textContent = text;
  return element;
}

function timeOf(date) {
  const at = new Date(typeof date === 'string' ? date : Date.now());
  const time = document.createElement('time');
  if (Number.isNaN(at.getTime())) return time;
  time.dateTime = at.toISOString();
  const day = at.toDateString() === new Date().toDateString() ? {} : { weekday: 'short' };
  time.textContent = at.toLocaleTimeString([], { ...day, hour: '2-digit', minute: '2-digit' });
  return time;
}

function submit(event) {
  event.preventDefault();
  const text = $('text').value.trim();
  const name = $('name').value.trim();
  if (text === '' || name === '') return;
  $('text').value = '';
  write({ id: newId(), from: me, name, text });
  sendWaiting();
}

/** Adds a message to those that are to be sent. */
function write(data, fate = 'waiting', why = '') {
  const item = itemOf(data.name, data.text, true);
  item.dataset.unsent = data.id;
  const one = { data, item, fate, why, note: paragraph('fate', '') };
  item.append(one.note);
  unsent.set(data.id, one);
  mark(one, fate, why);
  append(item, true);
}

function sendWaiting() {
  if (state !== 'open' || !isSubscribed) return;
  for (const one of unsent.values()) {
    if (one.fate !== 'waiting') continue;
    mark(one, 'sending');
    link.publish(one.data, (fate, why) => {
      if (fate === 'sent') show(one.data, one.data.id);
      else if (unsent.has(one.data.id)) mark(one, fate, why);
    });
  }
}

function mark(one, fate, why = '') {
  Object.assign(one, { fate, why });
  const { note, item, data } = one;
  item.dataset.fate = fate;
  const texts = {
    sending: 'Sending …',
    waiting: 'Not sent yet',
    refused: `Not sent: the server refused it (${why})`,
  };
  note.textContent = texts[fate];
  for (const choices of item.querySelectorAll('.choices')) choices.remove();
  if (fate === 'refused') item.append(choicesFor(one, data.id));
  keep();
}

function choicesFor(one, id) {
  const choices = paragraph('choices', '');
  const again = button('Send again', () => {
    mark(one, 'waiting');
    sendWaiting();
  });
  const remove = button('Delete', () => {
    forget(id);
    $('text').focus();
  });
  choices.append(again, remove);
  return choices;
}

function button(text, act) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', act);
  return element;
}

function forget(id) {
  unsent.get(id)?.item.remove();
  if (unsent.delete(id)) keep();
}

/** Stores the unsent messages, so that a reload does not lose them. */
function keep() {
  const kept = [...unsent.values()].map(({ data, fate, why }) => ({ data, fate, why }));
  sessionStorage.setItem('unsent', JSON.stringify(kept));
}

function choose({ target }) {
  const url = new URL(location.href);
  if (target.value === '') url.searchParams.delete('transport');
  else url.searchParams.set('transport', target.value);
  history.replaceState(null, '', url);
  start();
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join('');
}

function remembered(key, make) {
  const value = sessionStorage.getItem(key) ?? make();
  sessionStorage.setItem(key, value);
  return value;
}

takeToken();
const asked = new URL(location.href).searchParams.get('transport') ?? '';
const chosen =
  document.querySelector(`#transports input[value="${CSS.escape(asked)}"]`) ??
  $('transports').querySelector('input');
chosen.checked = true;
$('name').value = remembered('name', () => `Guest ${100 + Math.floor(Math.random() * 900)}`);
$('name').addEventListener('change', () => sessionStorage.setItem('name', $('name').value));
$('compose').addEventListener('submit', submit);
$('login').addEventListener('submit', logIn);
$('transports').addEventListener('change', choose);
for (const { data, fate, why } of JSON.parse(sessionStorage.getItem('unsent') ?? '[]'))
  write(data, fate === 'refused' ? fate : 'waiting', why);
$('scroll').addEventListener('scroll', () => {
  wasAtEnd = isAtEnd();
});
new ResizeObserver(() => wasAtEnd && toEnd()).observe($('scroll'));
addEventListener('pagehide', () => link?.close());
// After loading, since a script of callback-polling that is held would delay it; and when the browser brings the page back.
addEventListener('pageshow', start);
// A client may notice a lost network late. The page connects anew even then: a server on this machine still answers.
addEventListener('offline', start);
addEventListener('online', start);
addEventListener('hashchange', () => takeToken() && start());
