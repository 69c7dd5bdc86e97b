import type { Readable } from 'node:stream';

/** A line of the input that is not empty. */
export interface Line {
  /** Its number, from 1. */
  readonly line: number;
  readonly text: string;
}

/** Most lines in one batch. */
const MAX_LINES = 100;

/** Most characters in one batch. A single line may have more. */
const MAX_CHARACTERS = 65_536;

/** Reads lines in batches. A batch has the lines that have arrived, so no line waits for a later one. */
export async function* lineBatches(input: Readable): AsyncGenerator<Line[]> {
  let rest = '';
  let line = 0;
  input.setEncoding('utf8');
  for await (const chunk of input) {
    const texts = `${rest}${chunk}`.split('\n');
    rest = texts.pop() ?? '';
    yield* batched(texts.map((text) => ({ line: ++line, text })));
  }
  yield* batched([{ line: ++line, text: rest }]);
}

function* batched(lines: readonly Line[]): Generator<Line[]> {
  let batch: Line[] = [];
  let size = 0;
  for (const line of lines) {
    if (line.text.trim() === '') continue;
    if (batch.length === MAX_LINES || (size > 0 && size + line.text.length > MAX_CHARACTERS)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(line);
    size += line.text.length;
  }
  if (batch.length > 0) yield batch;
}
