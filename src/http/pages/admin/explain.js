import { $, copyOf } from '../dom.js';
import { read } from './api.js';
import { attempt, forget, onSubmit, say } from './attempt.js';

/** Shows what the journal knows; the question of the address is asked at once. */
export function showExplain(query) {
  if (query.has('publish')) {
    $('explain-id').value = query.get('publish');
    askOfPublish();
  } else if (query.has('channel')) {
    const by = query.has('session') ? 'session' : 'user';
    $('explain-channel').value = query.get('channel');
    $('explain-by').value = by;
    $('explain-value').value = query.get(by) ?? '';
    askOfChannel();
  }
}

export const hideExplain = () => forget('explain-said');

onSubmit('explain', askOfChannel);
onSubmit('explain-publish', askOfPublish);

function askOfChannel() {
  const [channel, by] = [$('explain-channel').value.trim(), $('explain-by').value];
  ask(() => read('/explain', { channel, [by]: $('explain-value').value.trim() }));
}

function askOfPublish() {
  ask(() => read(`/explain/${encodeURIComponent($('explain-id').value.trim())}`));
}

function ask(call) {
  $('findings').replaceChildren();
  void attempt('explain-said', call, ({ about, findings }) => {
    say('explain-said', about);
    $('findings').replaceChildren(...findings.map(finding));
  });
}

function finding({ isCause, what, fix }) {
  const item = copyOf('finding', { b: isCause ? 'Cause' : 'Note', '.what': what, '.fix': fix ?? '' });
  item.dataset.kind = isCause ? 'cause' : 'note';
  return item;
}
