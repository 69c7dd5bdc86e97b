import { cometd, isConnected, reasonOf } from './connection.js';
import { setNote, show } from './messages.js';

/** Messages that the server does not have yet, the oldest first. */
const unsent = [];
const waiting = 'Not sent yet';

/** Shows a message, and publishes `data` on a channel as soon as this is connected. */
export function send(message, channel, data) {
  show({ ...message, note: isConnected() ? '' : waiting });
  unsent.push({ id: message.id, channel, data });
  sendUnsent();
}

/** Sends what waits. A message without an answer waits on. The server may have it: its id says that it is the same. */
export function sendUnsent() {
  for (const message of isConnected() ? unsent.splice(0) : []) {
    cometd.publish(message.channel, message.data, (reply) => {
      const note = noteOf(reply);
      if (note === waiting) unsent.push(message);
      setNote(message.id, note);
    });
  }
}

/** What the sender should know. The reply to a direct message says for each receiver what became of it. */
function noteOf({ successful, failure, error, ext }) {
  if (failure || error?.startsWith('402:')) return waiting;
  if (!successful) return `Not sent: ${reasonOf(error)}`;
  const [receipt = 'delivered'] = Object.values(ext?.receipts ?? {});
  return receipt === 'delivered' ? '' : `Not delivered: ${receipt}`;
}
