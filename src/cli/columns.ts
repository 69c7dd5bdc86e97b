/** A term and its explanation. */
export type Item = readonly [term: string, text: string];

/** Formats terms on the left and their texts on the right, from column `at` on. No line is longer than `width`. */
export function block(title: string, items: readonly Item[], width: number, at: number): string {
  return [`${title}:`, ...items.flatMap(([term, text]) => lines(term, text, width, at))].join('\n');
}

function lines(term: string, text: string, width: number, at: number): string[] {
  const [first = '', ...rest] = wrap(text, width - at).map((line) => ' '.repeat(at) + line);
  const head = `  ${term}`;
  return head.length < at - 1 ? [head + first.slice(head.length), ...rest] : [head, first, ...rest];
}

/** Breaks a text into lines of at most `width` characters. */
export function wrap(text: string, width: number): string[] {
  const wrapped = [''];
  for (const word of text.split(' ')) {
    const last = wrapped.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) wrapped.push(word);
    else wrapped[wrapped.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return wrapped;
}
