import type { WebSocket } from 'faye-websocket';

/** What a fragment takes in memory besides its bytes. */
const FRAGMENT = 128;
/** Pieces below this size are put together. Bytes. */
const SMALL = 4096;
/** So many small pieces at the end of a list are made one. */
const MANY = 64;

/**
 * What `websocket-driver` holds of a message that has not come whole. It makes a list of all pieces of a frame, which is kept short
 * here, and of all fragments of a message. Bytes.
 */
export function memoryHeld({ _driver: { _reader, _message } }: WebSocket): number {
  join(_reader._queue);
  if (_message === undefined) return _reader._queueSize;
  return _reader._queueSize + _message.length + _message._chunks.length * FRAGMENT;
}

// Each byte is copied but once or twice: what was joined is soon too large to be joined again.
function join(pieces: Buffer[]): void {
  if (pieces.length < MANY) return;
  const last = pieces.slice(-MANY);
  if (last.every(({ length }) => length < SMALL)) pieces.splice(-MANY, MANY, Buffer.concat(last));
}
