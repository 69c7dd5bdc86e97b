import type { WebSocket } from 'faye-websocket';

/** What a fragment takes in memory besides its bytes. */
const FRAGMENT = 128;
/** Pieces below this size are put together. Bytes. */
const SMALL = 4096;
/** So many small pieces at the end of a list are made one. */
const MANY = 64;

/**
 * Keeps small what `websocket-driver` holds of a message that has not come whole: it makes a list of all pieces of a frame, and of all
 * fragments of a message. False when the fragments cost more than twice what a message may have: the socket has to be closed.
 */
export function holdsLittle({ _driver: { _reader, _message } }: WebSocket, maxLength: number): boolean {
  join(_reader._queue);
  if (_message === undefined) return true;
  return _message.length + _message._chunks.length * FRAGMENT <= 2 * maxLength;
}

// Each byte is copied but once or twice: what was joined is soon too large to be joined again.
function join(pieces: Buffer[]): void {
  if (pieces.length < MANY) return;
  const last = pieces.slice(-MANY);
  if (last.every(({ length }) => length < SMALL)) pieces.splice(-MANY, MANY, Buffer.concat(last));
}
