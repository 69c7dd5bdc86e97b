import { $ } from '../dom.js';

/** Asks whether something shall be done. Resolves with the answer. */
export function confirmed({ title, text, yes }) {
  $('confirm-title').textContent = title;
  $('confirm-text').textContent = text;
  $('confirm-yes').textContent = yes;
  $('confirm').returnValue = '';
  $('confirm').showModal();
  return new Promise((resolve) => {
    $('confirm').addEventListener('close', () => resolve($('confirm').returnValue === 'yes'), { once: true });
  });
}
