import type { Readable } from 'node:stream';

/** A line of the input that is not empty, with its number. */
export interface Line {
  readonly line: number;
  readonly text: string;
}

/** One batch has at most so many lines. */
const MOST = 100;

/** One batch has at most so many characters, unless one line has more. */
const LARGEST = 65_536;

/** Reads lines in batches: those that are there, so that none waits for a line that has not come. */
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
    if (batch.length === MOST || (size > 0 && size + line.text.length > LARGEST)) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(line);
    size += line.text.length;
  }
  if (batch.length > 0) yield batch;
}
