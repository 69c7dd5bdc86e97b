import type { WebSocket } from 'faye-websocket';

/** Memory of a fragment besides its bytes. */
const FRAGMENT = 128;
/** Pieces below this size are joined. Bytes. */
const SMALL = 4096;
/** Small pieces at the end of a list that are joined into one. */
const MANY = 64;

/**
 * Memory that `websocket-driver` uses for a message that came in part. It keeps a list of all pieces of a
 * frame, which is shortened here, and of all fragments of a message. Bytes.
 */
export function memoryHeld({ _driver: { _reader, _message } }: WebSocket): number {
  join(_reader._queue);
  if (_message === undefined) return _reader._queueSize;
  return _reader._queueSize + _message.length + _message._chunks.length * FRAGMENT;
}

// Each byte is copied once or twice: a joined piece is soon too large to be joined again.
function join(pieces: Buffer[]): void {
  if (pieces.length < MANY) return;
  const last = pieces.slice(-MANY);
  if (last.every(({ length }) => length < SMALL)) pieces.splice(-MANY, MANY, Buffer.concat(last));
}
