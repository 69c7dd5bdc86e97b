import { $, copyOf } from '../dom.js';
import { follow } from './api.js';
import { onClick, onSubmit, say, sentence } from './attempt.js';
import { plural, shownJson, time } from './format.js';
import { firstPattern } from './me.js';

/** Events on the page; older ones are removed. */
const MOST = 200;
/** Time until the next try after a stream broke. Milliseconds. */
const AGAIN = 2_000;

let stream;
let waiting = [];
let seen = 0;
let missed = 0;

/** Shows the tail; the pattern of the address begins at once. */
export function showTail(query) {
  if (query.has('channel')) {
    $('tail-pattern').value = query.get('channel');
    begin();
  } else if ($('tail-pattern').value === '') $('tail-pattern').value = firstPattern();
}

/** Ends the stream. */
export function endTail() {
  stream?.abort();
  stream = undefined;
  $('tail-toggle').textContent = 'Start';
}

onSubmit('tail', () => (stream === undefined ? begin() : stop()));
onClick('tail-clear', clear);
$('tail-pattern').addEventListener('input', () => stream !== undefined && stop());

function stop() {
  endTail();
  say('tail-said', `Stopped. ${told()}`);
}

function clear() {
  $('tail-list').replaceChildren();
  [waiting, seen, missed] = [[], 0, 0];
  say('tail-said', stream === undefined ? '' : listening());
}

function begin() {
  endTail();
  clear();
  stream = new AbortController();
  $('tail-toggle').textContent = 'Stop';
  say('tail-said', 'Opening the stream …');
  void run(stream, $('tail-pattern').value.trim());
}

/** Follows the pattern until it is stopped; a stream that breaks is opened again. */
async function run(own, channel) {
  const { signal } = own;
  try {
    await follow('/tail', { channel }, signal, (name, value) => own === stream && hear(name, value));
    retry(own, channel, 'The stream ended');
  } catch (error) {
    if (signal.aborted) return;
    if (error.status >= 400 && error.status < 500) {
      endTail();
      say('tail-said', sentence(error.message), 'bad');
    } else retry(own, channel, sentence(error.message));
  }
}

function retry(own, channel, why) {
  if (own !== stream) return;
  say('tail-said', `${why}. Trying again …`, 'bad');
  setTimeout(() => own === stream && run(own, channel), AGAIN);
}

function hear(name, value) {
  if (name === 'open') say('tail-said', listening());
  if (name === 'dropped') missed += value.count;
  if (name !== 'event') return;
  seen += 1;
  if (waiting.length === 0) requestAnimationFrame(showWaiting);
  waiting.push(value);
  if (waiting.length > MOST) waiting.shift();
}

const listening = () => `Listening to ${$('tail-pattern').value.trim()}. Nothing was published yet.`;

function told() {
  const lost =
    missed === 0 ? '' : ` The server left out ${plural(missed, 'event')}, since this page was too slow.`;
  const part = seen > MOST ? `; the newest ${MOST} are shown` : '';
  return `${plural(seen, 'event')} came${part}.${lost}`;
}

/** Newest first. */
function showWaiting() {
  const list = $('tail-list');
  list.prepend(...waiting.map(row).reverse());
  waiting = [];
  while (list.childElementCount > MOST) list.lastElementChild.remove();
  if (stream !== undefined) say('tail-said', told(), 'good');
}

function row({ at, channel, data, session, user }) {
  const from = user ?? (session === undefined ? '' : `session ${session}`);
  const item = copyOf('event', {
    time: time(at),
    strong: channel,
    '.from': from === '' ? '' : `from ${from}`,
    pre: shownJson(data),
  });
  item.querySelector('time').dateTime = new Date(at).toISOString();
  return item;
}
