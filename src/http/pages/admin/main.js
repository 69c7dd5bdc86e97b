import { $ } from '../dom.js';
import { read } from './api.js';
import { onClick, onSubmit, say, sentence, whenSignedOut } from './attempt.js';
import { hideChannels, showChannels } from './channels.js';
import { hideExplain, showExplain } from './explain.js';
import { key } from './key.js';
import { become, has, me, seesAll } from './me.js';
import { clearNodes, showNodes } from './nodes.js';
import { clearStats, showGap, showStats } from './overview.js';
import { Poll } from './poll.js';
import './publish.js';
import { hideSession, showSession } from './session.js';
import { hideSessions, showSessions } from './sessions.js';
import { endTail, showTail } from './tail.js';

/** The views: who may see each, and what is done when it is shown and left. */
const views = {
  overview: { isFor: seesAll },
  channels: { isFor: () => has('read'), show: showChannels, hide: hideChannels },
  sessions: { isFor: seesAll, show: showSessions, hide: hideSessions },
  session: { isFor: seesAll, show: showSession, hide: hideSession },
  tail: { isFor: () => has('read'), show: showTail, hide: endTail },
  publish: { isFor: () => has('publish') },
  explain: { isFor: () => has('read'), show: showExplain, hide: hideExplain },
};
let shown = 'sign-in';
let isIn = false;
/** Whether the visitor has just signed in by the form. */
let isAsked = false;

const poll = new Poll({
  ask: () => read(isIn && seesAll() ? '/stats' : '/me'),
  told(answer) {
    if (!isIn) return enter(answer);
    tellState(answer.complete === false ? 'partial' : (answer.state ?? 'open'));
    if (!seesAll()) return;
    showStats(answer);
    void showNodes(answer);
  },
  failed,
});

const states = {
  open: 'Live',
  partial: 'A node of the cluster does not answer: its part is missing',
  draining: 'Draining: the server sends its clients to others, and will close',
};

function tellState(state) {
  if ($('state').dataset.state === state) return;
  $('state').dataset.state = state;
  $('state').textContent = states[state];
}

/** No answer, or a refusal. What is shown stays, and the page tries again. */
function failed(error, wait) {
  if (error.isSignedOut || (!isIn && error.code === 'too_many_wrong_keys'))
    return signOut(sentence(error.message));
  if (error.status === undefined) return reportError(error);
  showGap();
  // The key has other rights now: the next turn asks for them.
  if (error.status === 403) isIn = false;
  $('state').dataset.state = 'lost';
  $('state').textContent = `${sentence(error.message)}. Next try in ${Math.ceil(wait / 1000)} s`;
}

function enter(caller) {
  isIn = true;
  become(caller);
  $('caller-name').textContent = me.name;
  $('caller-rights').textContent = me.rights.join(', ') || 'no rights';
  $('caller').hidden = false;
  $('nav').hidden = false;
  for (const link of $('nav').children) link.hidden = !views[link.hash.slice(1)].isFor();
  for (const part of document.querySelectorAll('[data-right]')) part.hidden = !has(part.dataset.right);
  for (const part of document.querySelectorAll('[data-everywhere]')) part.hidden = !seesAll();
  say('problem', '');
  tellState('open');
  showView(isAsked);
  isAsked = false;
  // A key that may see nothing is signed out by then.
  if (isIn) poll.start();
}

function signOut(why = '') {
  poll.stop();
  views[shown]?.hide?.();
  key.forget();
  isIn = false;
  clearStats();
  clearNodes();
  $('caller').hidden = true;
  $('nav').hidden = true;
  for (const list of document.querySelectorAll('main ul, main ol, main dl'))
    if (list.closest('figure') === null) list.replaceChildren();
  $('state').dataset.state = 'off';
  $('state').textContent = 'Signed out';
  say('problem', why);
  become({ name: '', rights: [], channels: [] });
  reveal('sign-in');
  $('key').focus();
}

function reveal(name) {
  for (const section of $('main').querySelectorAll(':scope > section'))
    section.hidden = section.id !== `view-${name}`;
  document.body.dataset.view = name;
  document.title = `${$(`title-${name}`).textContent} · bayeuxd dashboard`;
  for (const link of $('nav').children)
    link.ariaCurrent =
      link.hash === `#${name}` || (name === 'session' && link.hash === '#sessions') ? 'page' : null;
  shown = name;
}

/** Shows the view in the address, or the first that the key may see. */
function showView(isByHand = false) {
  if (!isIn) return;
  const [name, query] = location.hash.slice(1).split('?');
  const allowed = Object.keys(views).filter((view) => views[view].isFor());
  if (allowed.length === 0)
    return signOut('This key has no right that this page can use: read, publish or admin.');
  const wanted = allowed.includes(name) ? name : allowed[0];
  views[shown]?.hide?.();
  reveal(wanted);
  views[wanted].show?.(new URLSearchParams(query));
  if (isByHand) $(`title-${wanted}`).focus();
}

function signIn() {
  const text = $('key').value.trim();
  if (!/^[!-~]+$/.test(text))
    return say('problem', 'This is no key or token: these are letters, digits and signs without spaces.');
  key.keep(text);
  $('key').value = '';
  say('problem', '');
  isAsked = true;
  start();
}

function start() {
  $('state').textContent = 'Signing in …';
  $('state').dataset.state = 'waits';
  poll.start();
}

whenSignedOut((why) => signOut(sentence(why)));
onSubmit('sign-in', signIn);
onClick('sign-out', () => signOut());
addEventListener('hashchange', () => showView(true));
$('skip').addEventListener('click', (event) => {
  event.preventDefault();
  $('main').focus();
});
if (key.get() === '') {
  reveal('sign-in');
  $('key').focus();
} else start();
