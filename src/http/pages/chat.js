import { cometd, connect, isConnected, reasonOf, start } from './connection.js';
import { hearDirect, sendDirect } from './direct.js';
import { $, onSubmit } from './dom.js';
import { me, newId } from './me.js';
import { clearRoom, show } from './messages.js';
import { hearPeople, showPeople } from './people.js';
import { hear, leave, showRooms, view } from './rooms.js';
import { showTyping, tellTyping } from './typing.js';
import { send, sendUnsent } from './unsent.js';

/** The room that this session hears. */
let joined;

/** A session begins: it has no subscriptions yet. The server says for whom it takes this person. */
function begin({ ext }) {
  Object.assign(me, ext?.user);
  $('name').value = me.name;
  joined = undefined;
  cometd.subscribe('/presence/everyone', ({ data: { total } }) => {
    $('everyone').textContent = `${total} online on this server`;
  });
}

/** Goes into the room of the address: hears its messages, who is there, and who types. */
function enter() {
  const { channel, typing } = view();
  if (channel === joined || !isConnected()) return;
  joined = channel;
  leave();
  hear(typing, ({ data: { from, name } }) => from !== me.id && showTyping(name));
  hearPeople(channel);
  hearMessages(channel, { replay: { [channel]: -2 } });
}

/** Subscribes to a room. With `replay`, the messages that the server keeps come first: -2 means all. */
function hearMessages(channel, ext) {
  hear(channel, hearMessage, ext, ({ error = '', failure, ext: answer }) => {
    if (error.endsWith(':history_denied')) return hearMessages(channel);
    if (failure) joined = undefined;
    $('problem').textContent = error && `No messages come: ${reasonOf(error)}`;
    $('history').textContent = `History is ${answer?.replay ? 'on' : 'off: a reload clears this page'}`;
  });
}

/** A message to the room. It says itself who wrote it: the server does not check that, as it does for direct messages. */
function hearMessage({ data, ext }) {
  if (typeof data?.text !== 'string') return;
  const { id = ext?.replayId ?? newId(), from, name = 'Somebody', text, event } = data;
  show({ id, from, name: String(name), text, at: event?.createdDate });
}

function say(text) {
  const { person, channel } = view();
  const message = { id: newId(), from: me.id, name: me.name, text };
  if (person) sendDirect(message, person);
  else send(message, channel, message);
}

/** Shows the room and the person in the address. */
function showView() {
  const { room, person, token } = view();
  if (token) return logIn(token);
  if ($('room-name').textContent !== room) clearRoom();
  document.body.dataset.kind = person ? 'direct' : 'room';
  $('room-name').textContent = room;
  $('to-all').href = `#room=${room}`;
  $('typing').replaceChildren();
  for (const panel of ['rooms', 'people']) $(panel).hidePopover();
  for (const showPart of [showRooms, showPeople, enter]) showPart();
}

/** Keeps a token of the address, and loads the page without it there: addresses are copied, and stay in the browser's history. */
function logIn(token) {
  me.token = token;
  location.replace(location.pathname + location.search);
}

$('name').value = me.name;
connect(begin);
showView();
for (const act of [enter, sendUnsent]) cometd.addListener('/meta/connect', act);
cometd.addListener('/service/direct', hearDirect);
addEventListener('hashchange', showView);
onSubmit('new-room', (text) => (location.hash = `room=${text.toLowerCase().replaceAll(/\s+/g, '-')}`));
onSubmit('compose', say);
onSubmit('login', logIn);
$('text').addEventListener('input', tellTyping);
$('transport').addEventListener('change', () => (location.search = `transport=${$('transport').value}`));
$('name').addEventListener('change', () => {
  me.name = $('name').value.trim() || me.name;
  start();
});
