// A server-side extension in Faye's form. Both servers run it unchanged.
const tokens = new Set(['token-of-ann', 'token-of-bob']);

export const auth = {
  incoming(message, _request, callback) {
    const { channel, subscription, ext } = message;
    if (channel === '/meta/subscribe' && isAlerts(subscription) && !tokens.has(ext?.token)) {
      message.error = '403::Wrong token';
    }
    if (isAlerts(channel) && ext?.password !== 'open-sesame') message.error = '403::Wrong password';
    if (ext !== undefined) delete ext.password;
    callback(message);
  },
};

function isAlerts(channel) {
  return channel === '/**' || channel === '/*' || channel.startsWith('/alerts/');
}
