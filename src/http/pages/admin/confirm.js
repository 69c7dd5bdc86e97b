import { $ } from '../dom.js';

/** Answers the question that is asked. */
let answer = () => {};

/** Asks whether something shall be done. Resolves with the answer; a question that was open before is answered with no. */
export function confirmed({ title, text, yes }) {
  answer(false);
  $('confirm-title').textContent = title;
  $('confirm-text').textContent = text;
  $('confirm-yes').textContent = yes;
  $('confirm').returnValue = '';
  $('confirm').showModal();
  return new Promise((resolve) => {
    answer = resolve;
  });
}

// The event comes later than the closing: a dialog that is open again by then has another question.
$('confirm').addEventListener('close', () => {
  if (!$('confirm').open) answer($('confirm').returnValue === 'yes');
});
