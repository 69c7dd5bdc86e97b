import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** A fenced block, and the heading it stands under. */
export interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  readonly heading: string;
}

export interface Page {
  /** From the root of the project: `docs/errors.md`. */
  readonly file: string;
  readonly text: string;
  /** The text without its fenced blocks. */
  readonly prose: string;
  readonly headings: readonly string[];
  readonly blocks: readonly Block[];
  /** What the reader below does not understand, and nobody would check. */
  readonly unreadable: readonly string[];
}

/** Every page of the documentation. */
export function pages(): Page[] {
  const root = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
  return [...root, ...pagesIn('docs'), ...pagesIn('examples')].map(readPage);
}

function pagesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return files.filter((file) => file.endsWith('.md')).map((file) => `${folder}/${file}`);
}

export function readPage(file: string): Page {
  return parsePage(file, readFileSync(file, 'utf8'));
}

export function parsePage(file: string, text: string): Page {
  const headings: string[] = [];
  const blocks: Block[] = [];
  const prose: string[] = [];
  const unreadable: string[] = [];
  let afterBlank = true;
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [at, line] of text.split('\n').entries()) {
    if (open !== undefined) {
      if (line === '```') {
        const heading = headings.at(-1) ?? basename(file);
        blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n'), heading });
        open = undefined;
      } else open.lines.push(line);
      continue;
    }
    const fence = /^```(\S*)$/.exec(line);
    if (fence !== null) open = { language: fence[1] ?? '', line: at + 1, lines: [] };
    else if (isHiddenCode(line, afterBlank)) {
      unreadable.push(`${file}:${at + 1}`);
    } else {
      const heading = /^#{1,4} (.+)$/.exec(line);
      if (heading?.[1] !== undefined) headings.push(heading[1]);
      prose.push(line);
    }
    afterBlank = line === '';
  }
  if (open !== undefined) unreadable.push(`${file}:${open.line} is never closed`);
  return { file, text, prose: prose.join('\n'), headings, blocks, unreadable };
}

// Code that is indented, quoted, in a list, in tags or fenced otherwise would go unchecked.
function isHiddenCode(line: string, afterBlank: boolean): boolean {
  if (afterBlank && /^( {4,}|\t)\S/.test(line)) return true;
  return /^\s*<(pre|code)/i.test(line) || /^\s*(>|[-*]|\d+\.)?\s*(```|~~~)/.test(line);
}

/** The anchor a heading gets, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The rows of the tables in a page, cell by cell, without heads and rules. */
export function rowsOf({ prose }: Page): string[][] {
  return prose
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s:|-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
