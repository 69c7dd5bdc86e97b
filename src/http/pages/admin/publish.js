import { $ } from '../dom.js';
import { act } from './api.js';
import { attempt, onSubmit, say } from './attempt.js';
import { plural } from './format.js';

onSubmit('publish', () => {
  const [channel, text] = [$('publish-channel').value.trim(), $('publish-data').value];
  const parsed = parse(text);
  if (parsed.fault !== undefined) {
    say('publish-said', `The data is not JSON: ${parsed.fault}. A text needs quotes: "hello"`, 'bad');
    $('publish-data').focus();
    return;
  }
  void attempt('publish-said', () => act('/publish', { channel, data: parsed.data }), tell);
});

function parse(text) {
  try {
    return { data: JSON.parse(text) };
  } catch (error) {
    return { fault: error.message };
  }
}

function tell({ channel, sessions, id, publishId }) {
  const nobody = sessions === 0 ? ' Nobody subscribes to it.' : '';
  const stored = id === undefined ? '' : ` It is stored with the id ${id}.`;
  say(
    'publish-said',
    `Published to ${channel}: queued for ${plural(sessions, 'session')}.${nobody}${stored}`,
    'good',
  );
  if (publishId === undefined) return;
  const link = document.createElement('a');
  link.href = `#explain?${new URLSearchParams({ publish: publishId })}`;
  link.textContent = 'Explain this publish';
  $('publish-said').append(' ', link);
}
