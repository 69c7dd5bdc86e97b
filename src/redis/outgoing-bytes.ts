import { FrameWriter, type Kind } from '../cluster/frames.ts';

/** Bytes of frames that wait to be sent, taken in pieces. */
export class OutgoingBytes {
  readonly #writer = new FrameWriter();
  #blocks: Buffer[] = [];
  #blockBytes = 0;

  get length(): number {
    return this.#blockBytes + this.#writer.bytes;
  }

  add(kind: Kind, id: number, head?: string, body?: string): void {
    this.#writer.add(kind, id, head, body);
  }

  /** The next bytes, at most `max` of them. */
  take(max: number): Buffer {
    for (const block of this.#writer.take()) {
      this.#blocks.push(block);
      this.#blockBytes += block.length;
    }
    const pieces: Buffer[] = [];
    let room = max;
    let taken = 0;
    for (const block of this.#blocks) {
      if (block.length > room) break;
      pieces.push(block);
      room -= block.length;
      taken += 1;
    }
    this.#blocks.splice(0, taken);
    const [next] = this.#blocks;
    if (next !== undefined && room > 0) {
      pieces.push(next.subarray(0, room));
      this.#blocks[0] = next.subarray(room);
    }
    const bytes = Buffer.concat(pieces);
    this.#blockBytes -= bytes.length;
    return bytes;
  }
}
