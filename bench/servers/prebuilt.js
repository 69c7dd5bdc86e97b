import { broadcast, textFrame } from './broadcast.js';

// The ceiling of one write per message and subscriber: each message is framed once, and all sockets get the same bytes.
broadcast((text, sockets) => {
  const frame = textFrame(Buffer.from(text), false);
  for (const socket of sockets) socket.write(frame);
});
