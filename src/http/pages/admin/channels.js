import { $, copyOf } from '../dom.js';
import { read } from './api.js';
import { attempt, forget, missing, onClick, onSubmit, say } from './attempt.js';
import { plural } from './format.js';
import { firstPattern, seesAll } from './me.js';

const PAGE = 1_000;

/** Paths of the branches that were opened. */
const opened = new Set();
let found = [];
let next;
let complete;

/** Shows the channels under a pattern. */
export function showChannels() {
  if ($('channels-pattern').value === '') $('channels-pattern').value = firstPattern();
  load();
}

export const hideChannels = () => forget('channels-said');

onSubmit('channels', load);
onClick('channels-more', () => load(next));

function load(after) {
  const pattern = $('channels-pattern').value.trim();
  void attempt(
    'channels-said',
    () => read('/channels', { pattern, after, limit: PAGE }),
    (answer) => {
      found = after === undefined ? answer.channels : [...found, ...answer.channels];
      next = answer.next;
      complete = answer.complete;
      $('channels-more').hidden = next === undefined;
      show();
    },
  );
}

function show() {
  const isMore = next === undefined ? '' : ' are shown, and there are more';
  say(
    'channels-said',
    (found.length === 0
      ? nobody
      : `${plural(found.length, 'name or pattern').replace('name or patterns', 'names and patterns')}${isMore}`) +
      missing(complete),
  );
  const root = treeOf(found);
  $('channel-tree').replaceChildren(...branchesOf(root, found.length <= 20));
}

const nobody = 'No session subscribes to a channel here. Channels appear when a client subscribes.';

/** The names as a tree of their segments. */
function treeOf(channels) {
  const root = { path: '', children: new Map(), below: 0 };
  for (const { channel, sessions } of channels) {
    let node = root;
    for (const segment of channel.slice(1).split('/')) {
      node.below += 1;
      if (!node.children.has(segment))
        node.children.set(segment, {
          segment,
          path: `${node.path}/${segment}`,
          children: new Map(),
          below: 0,
        });
      node = node.children.get(segment);
    }
    node.sessions = sessions;
  }
  return root;
}

function branchesOf({ children }, isOpen) {
  return Array.from(children.values(), (node) =>
    node.children.size === 0 ? leaf(node) : branch(node, isOpen),
  );
}

function leaf(node) {
  const item = copyOf('leaf', { '.name': node.segment, '.count': countOf(node) });
  item.querySelector('.actions').append(...linksOf(node));
  return item;
}

/** The items below are made when the branch is opened for the first time. */
function branch(node, isOpen) {
  const item = copyOf('branch', { '.name': node.segment, '.count': countOf(node) });
  const [details] = item.children;
  const fill = () => {
    if (details.open && details.lastElementChild.childElementCount === 0)
      details.lastElementChild.append(...branchesOf(node, isOpen));
  };
  details.addEventListener('toggle', () => {
    if (details.open) opened.add(node.path);
    else opened.delete(node.path);
    fill();
  });
  details.querySelector('.actions').append(...linksOf(node));
  details.open = isOpen || opened.has(node.path);
  fill();
  return item;
}

function countOf({ sessions, below, children }) {
  const own = sessions === undefined ? [] : [plural(sessions, 'session')];
  return [...own, ...(children.size === 0 ? [] : [`${below} below`])].join(', ');
}

function linksOf({ path, sessions }) {
  if (sessions === undefined) return [link('Tail', `${path}/**`, 'tail', { channel: `${path}/**` })];
  const ofSessions = () => link('Sessions', path, 'sessions', { by: 'channel', value: path });
  const isPattern = path.endsWith('*');
  return [...(seesAll() && !isPattern ? [ofSessions()] : []), link('Tail', path, 'tail', { channel: path })];
}

/** A link whose name for screen readers has the channel, which the eye sees beside it. */
function link(text, channel, view, query) {
  const made = document.createElement('a');
  made.href = `#${view}?${new URLSearchParams(query)}`;
  made.textContent = text;
  made.ariaLabel = `${text}: ${channel}`;
  return made;
}
