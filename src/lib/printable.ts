/**
 * Makes text from outside safe for a terminal or a log: control characters, and characters that change the direction of
 * writing, become `\u` escapes. JSON text keeps its meaning.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
