import { $, copyOf } from '../dom.js';
import { read } from './api.js';
import { count, measure, plural } from './format.js';

/** Age from which a node counts as late. Milliseconds. */
const LATE = 1_000;

/** Shows the nodes of a cluster. Without a cluster nothing is asked, and nothing is shown. */
export async function showNodes({ nodes, complete }) {
  if (nodes === 1 && complete !== false) return clearNodes();
  try {
    const answer = await read('/nodes');
    $('node-list').replaceChildren(...answer.nodes.map(row));
    $('nodes').hidden = false;
  } catch {
    // The next answer of /stats, or its failure, tells more.
  }
}

export function clearNodes() {
  $('nodes').hidden = true;
  $('node-list').replaceChildren();
}

function row(node) {
  const { name, state = 'unknown', lag, trouble } = node;
  const item = copyOf('node', {
    strong: name,
    b: state,
    '.from': aboutOf(node),
    '.what': factsOf(node).join(' · '),
    '.trouble': trouble === undefined ? '' : `Trouble ${ago(Date.now() - trouble.at)}: ${trouble.why}`,
  });
  item.dataset.node = state === 'open' && !(lag?.ms > LATE) ? 'well' : 'troubled';
  return item;
}

function aboutOf({ isThis, version, formats }) {
  return [
    ...(isThis ? ['this node'] : []),
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(formats === undefined ? [] : [formatsOf(formats)]),
  ].join(' · ');
}

function formatsOf([min, max]) {
  return min === max ? `format ${min}` : `formats ${min} to ${max}`;
}

function factsOf({ sessions, lag, sinceBeat, isLinked }) {
  return [
    ...(sessions === undefined ? [] : [plural(sessions, 'session')]),
    ...(lag === undefined ? [] : [lagOf(lag)]),
    ...(sinceBeat === undefined ? [] : [`last beat ${ago(sinceBeat)}`]),
    ...(isLinked === undefined ? [] : [isLinked ? 'linked' : 'no link']),
  ];
}

function lagOf({ entries, ms }) {
  if (entries === 0) return 'has read all';
  return `${count(entries)} ${entries === 1 ? 'entry' : 'entries'} behind, ${measure(ms / 1000)} s late`;
}

function ago(ms) {
  const seconds = Math.round(Math.max(0, ms) / 100) / 10;
  if (seconds < 120) return `${measure(seconds)} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}
