import { $, copyOf } from '../dom.js';
import { act, read } from './api.js';
import { attempt, forget, onClick, say } from './attempt.js';
import { confirmed } from './confirm.js';
import { count, plural, shownJson } from './format.js';

const states = {
  new: 'new: it has not connected yet',
  idle: 'idle: no /meta/connect is held now',
  held: 'held: a /meta/connect waits for events',
};
let id = '';

/** Shows one session. */
export function showSession(query) {
  id = query.get('id') ?? '';
  clear();
  load();
}

export const hideSession = () => forget('session-said');

onClick('session-refresh', load);
onClick('session-disconnect', () => void disconnect());

function load() {
  void attempt('session-said', () => read(`/sessions/${encodeURIComponent(id)}`), show);
}

function clear() {
  $('session-facts').replaceChildren();
  $('session-subscriptions').replaceChildren();
}

function show({ user, info, transport, state, address, waiting, subscriptions }) {
  const facts = [
    ['User', user ?? 'none'],
    ['Session id', id],
    ['Transport', transport],
    ['State', states[state]],
    ['Address', address || 'none: it is in the process of the server'],
    ['Waiting events', count(waiting)],
    ...(Object.keys(info ?? {}).length === 0 ? [] : [['About the user', shownJson(info)]]),
  ];
  $('session-facts').replaceChildren(
    ...facts.map(([name, value]) => copyOf('fact', { dt: name, dd: value })),
  );
  $('session-subscriptions').replaceChildren(...subscriptions.map(subscription));
  if (subscriptions.length === 0)
    $('session-subscriptions').replaceChildren(item('It subscribes to nothing.'));
}

function subscription(channel) {
  const made = item(channel);
  if (!channel.endsWith('*')) {
    const link = document.createElement('a');
    link.href = `#explain?${new URLSearchParams({ channel, session: id })}`;
    link.textContent = `Explain ${channel}`;
    made.append(' ', link);
  }
  return made;
}

function item(text) {
  const made = document.createElement('li');
  made.textContent = text;
  return made;
}

async function disconnect() {
  const isSure = await confirmed({
    title: 'Disconnect this session?',
    text: `${id} ends, and its client is told to stop. It may open another session.`,
    yes: 'Disconnect',
  });
  if (!isSure) return;
  void attempt(
    'session-said',
    () => act('/disconnect', { session: id }),
    ({ sessions }) => {
      clear();
      if (sessions === 0) say('session-said', 'The session had ended already.');
      else say('session-said', `${plural(sessions, 'session')} ended.`, 'good');
    },
  );
}
