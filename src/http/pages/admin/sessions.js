import { $, copyOf } from '../dom.js';
import { read } from './api.js';
import { attempt, forget, missing, onClick, onSubmit, say } from './attempt.js';
import { plural } from './format.js';

let next;

/** Shows sessions, those of a search if the address has one. */
export function showSessions(query) {
  if (query.has('by')) {
    $('sessions-by').value = query.get('by');
    $('sessions-value').value = query.get('value') ?? '';
  }
  fitForm();
  search();
}

export const hideSessions = () => forget('sessions-said');

onSubmit('sessions', () => search());
onClick('sessions-more', () => search(next));
$('sessions-by').addEventListener('change', fitForm);

function fitForm() {
  const isAll = $('sessions-by').value === '';
  $('sessions-text').hidden = isAll;
  $('sessions-value').required = !isAll;
}

function search(after) {
  const by = $('sessions-by').value;
  const value = $('sessions-value').value.trim();
  void attempt(
    'sessions-said',
    () => find(by, value, after),
    (answer) => show(answer, by, after),
  );
}

async function find(by, value, after) {
  if (by !== 'id') return read('/sessions', { [by || 'user']: by === '' ? undefined : value, after });
  const { subscriptions, ...session } = await read(`/sessions/${encodeURIComponent(value)}`);
  return { sessions: [{ ...session, subscriptions: subscriptions.length }] };
}

function show({ sessions, next: following, complete }, by, after) {
  next = following;
  const items = sessions.map(row);
  if (after === undefined) $('session-list').replaceChildren(...items);
  else $('session-list').append(...items);
  $('sessions-more').hidden = next === undefined;
  const { childElementCount: shown } = $('session-list');
  if (shown > 0)
    say(
      'sessions-said',
      `${plural(shown, 'session')}${next === undefined ? '' : ' are shown, and there are more'}${missing(complete)}`,
    );
  else
    say(
      'sessions-said',
      (by === '' ? 'No session is open. One appears when a client connects.' : 'No open session fits.') +
        missing(complete),
    );
}

function row({ id, user, transport, state, address, waiting, subscriptions }) {
  const item = copyOf('session-row', {
    strong: user ?? 'no user',
    '.transport': transport,
    '.more': [
      state,
      plural(subscriptions, 'subscription'),
      ...(waiting > 0 ? [`${plural(waiting, 'event')} waiting`] : []),
      address,
    ]
      .filter(Boolean)
      .join(' · '),
    small: id,
  });
  item.firstElementChild.href = `#session?${new URLSearchParams({ id })}`;
  return item;
}
