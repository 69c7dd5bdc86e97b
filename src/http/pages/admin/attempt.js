import { $ } from '../dom.js';
import { ApiError } from './api.js';

/** The newest attempt by the element that tells of it: an older answer that comes late is not shown. */
const newest = new Map();
let signedOut = () => {};

/** Says what is done when the key or token does not count any more. */
export const whenSignedOut = (listener) => {
  signedOut = listener;
};

/** Tells something in the element with this id. `kind`: `good` or `bad`. */
export function say(id, text, kind = '') {
  $(id).textContent = text;
  $(id).dataset.kind = kind;
}

/** What is added where a node of a cluster did not answer. */
export const missing = (complete) =>
  complete === false ? ' · a node does not answer: its part is missing' : '';

/** A detail of the API as a sentence. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Asks, and shows the answer; tells in the element with this id why there is none. */
export async function attempt(id, ask, show) {
  const turn = (newest.get(id) ?? 0) + 1;
  newest.set(id, turn);
  try {
    const answer = await ask();
    if (newest.get(id) !== turn) return;
    say(id, '');
    show(answer);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isSignedOut) signedOut(error.message);
    else if (newest.get(id) === turn) say(id, sentence(error.message), 'bad');
  }
}

/** Forgets attempts that are not answered yet. */
export const forget = (id) => newest.set(id, (newest.get(id) ?? 0) + 1);

export function onSubmit(id, act) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    act();
  });
}

export const onClick = (id, act) => $(id).addEventListener('click', () => act());
