import {
  CallbackPollingTransport,
  CometD,
  LongPollingTransport,
  WebSocketTransport,
} from '/clients/cometd/cometd.js';

const room = '/chat/lobby';
const transports = {
  websocket: WebSocketTransport,
  'long-polling': LongPollingTransport,
  'callback-polling': CallbackPollingTransport,
};
const names = {
  websocket: 'WebSocket',
  'long-polling': 'long-polling',
  'callback-polling': 'callback-polling',
};

const $ = (id) => document.getElementById(id);
const mount = new URL(document.querySelector('meta[name=bayeux]').content, location.origin).href;
const me = crypto.getRandomValues(new Uint32Array(2)).join('');
let client;

/** Starts over with one transport, or with whichever works when none is named. */
function start(only) {
  const older = client;
  const cometd = new CometD();
  client = cometd;
  older?.disconnect();
  show('waiting', 'Connecting …');
  cometd.configure({ url: mount, logLevel: 'warn' });
  if (only !== '') {
    cometd.unregisterTransports();
    cometd.registerTransport(only, new transports[only]());
  }
  const listen = (channel, heard) =>
    cometd.addListener(channel, (message) => void (client === cometd && heard(message)));
  listen('/meta/handshake', (reply) => void (reply.successful && cometd.subscribe(room, say)));
  listen('/meta/connect', (reply) => tell(cometd, reply));
  listen('/meta/unsuccessful', (message) => complain(message));
  cometd.handshake((reply) => {
    if (!reply.successful && client === cometd) show('lost', `Not connected: ${reasonOf(reply)}`);
  });
}

/** Says how the connection stands after a /meta/connect. */
function tell(cometd, { successful, advice }) {
  if (!successful) {
    show('lost', 'Connection lost, trying again …');
    return;
  }
  $('problem').textContent = '';
  const type = cometd.getTransport().type;
  const turns =
    advice?.['multiple-clients'] === true ? `, every ${advice.interval / 1000} s beside another tab` : '';
  show('open', `Connected over ${names[type]}${turns}`, type);
}

function show(state, text, transport = '') {
  const status = $('status');
  if (status.textContent !== text) status.textContent = text;
  status.dataset.state = state;
  status.dataset.transport = transport;
  $('send').disabled = state !== 'open';
}

/** Shows a message of the room. */
function say({ data }) {
  const { from, name, text } = data ?? {};
  if (typeof text !== 'string') return;
  const item = document.createElement('li');
  item.classList.toggle('mine', from === me);
  const who = line('who', '');
  const strong = document.createElement('strong');
  strong.textContent = String(name);
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  who.append(strong, ` ${time}`);
  item.append(who, line('text', text));
  const scroll = $('scroll');
  const atEnd = scroll.scrollTop + scroll.clientHeight > scroll.scrollHeight - 40;
  $('messages').append(item);
  if (atEnd || from === me) scroll.scrollTop = scroll.scrollHeight;
}

function line(className, text) {
  const paragraph = document.createElement('p');
  paragraph.className = className;
  paragraph.textContent = text;
  return paragraph;
}

/** Says why a message of ours was not accepted; what happens to the connection, the status tells. */
function complain(message) {
  if (message.channel === '/meta/subscribe') $('problem').textContent = `No messages: ${reasonOf(message)}`;
}

function reasonOf({ error, failure }) {
  return (
    error ??
    failure?.reason ??
    failure?.exception ??
    (failure?.httpCode ? `HTTP ${failure.httpCode}` : 'no answer')
  );
}

function send(event) {
  event.preventDefault();
  const field = $('text');
  const text = field.value.trim();
  const name = $('name').value.trim();
  if (text === '' || name === '') return;
  field.value = '';
  client.publish(room, { from: me, name, text }, (reply) => {
    $('problem').textContent = reply.successful ? '' : `Not sent: ${reasonOf(reply)}`;
    if (!reply.successful && field.value === '') field.value = text;
  });
}

function choose({ target }) {
  const url = new URL(location.href);
  if (target.value === '') url.searchParams.delete('transport');
  else url.searchParams.set('transport', target.value);
  history.replaceState(null, '', url);
  start(target.value);
}

function remembered() {
  const name = sessionStorage.getItem('name') ?? `Guest ${100 + Math.floor(Math.random() * 900)}`;
  sessionStorage.setItem('name', name);
  return name;
}

const selected = () => document.querySelector('#transports input:checked');
const asked = new URL(location.href).searchParams.get('transport') ?? '';
const chosen =
  document.querySelector(`#transports input[value="${CSS.escape(asked)}"]`) ??
  $('transports').querySelector('input');
chosen.checked = true;
$('name').value = remembered();
$('name').addEventListener('change', () => sessionStorage.setItem('name', $('name').value));
$('compose').addEventListener('submit', send);
$('transports').addEventListener('change', choose);
addEventListener('pagehide', () => client?.disconnect());
// After loading, lest a script that is held keeps the page from being loaded; and when it comes back from the browser's cache.
addEventListener('pageshow', () => start(selected().value));
