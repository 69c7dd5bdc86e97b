import { broadcast, textFrame } from './broadcast.js';

// What one write per message and subscriber can reach: each message is framed once, and the same bytes go to every socket.
broadcast((text, sockets) => {
  const frame = textFrame(Buffer.from(text), false);
  for (const socket of sockets) socket.write(frame);
});
