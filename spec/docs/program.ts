import { readFileSync } from 'node:fs';
import type { Block, Page } from './markdown.ts';

/**
 * The blocks of code under one heading: its JavaScript runs as one module, then its shell commands run one by one.
 * Where the code does not listen on a port itself, a server as the program makes it is there already.
 */
export interface Program {
  readonly name: string;
  readonly heading: string;
  /** The `js` and `ts` blocks, together. */
  readonly code: string;
  readonly typed: boolean;
  readonly commands: readonly Command[];
}

/** One shell command with the output that `# prints` lines under it promise. */
export interface Command {
  readonly text: string;
  readonly prints: readonly string[];
}

export function programsOf({ file, blocks }: Page): Program[] {
  const headings = [...new Set(blocks.map(({ heading }) => heading))];
  return headings
    .map((heading): Program => {
      const own = blocks.filter((block) => block.heading === heading);
      const code = own.filter(({ language }) => language === 'js' || language === 'ts');
      return {
        name: `${file}, ${heading}`,
        heading,
        code: code.map(({ text }) => text).join('\n'),
        typed: code.some(({ language }) => language === 'ts'),
        commands: own.filter(({ language }) => language === 'sh').flatMap(commandsOf),
      };
    })
    .filter(({ code, commands }) => code !== '' || commands.length > 0);
}

export function commandsOf({ text }: Block): Command[] {
  const commands: { text: string; prints: string[] }[] = [];
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const printed = /^# prints (.*)$/.exec(line)?.[1];
    if (printed !== undefined) commands.at(-1)?.prints.push(printed);
    else if (line !== '' && !line.startsWith('#')) commands.push({ text: line, prints: [] });
  }
  return commands;
}

/** What the `// prints` and, in other languages, `# prints` comments of a program promise, in order. */
export function promisedBy(code: string): string[] {
  return Array.from(code.matchAll(/(?:\/\/|#) prints (.*)$/gm), ([, text = '']) => text);
}

/** Whether the lines are those promised, where `…` stands for anything. */
export function keeps(promised: readonly string[], lines: readonly string[]): boolean {
  return promised.length === lines.length && promised.every((text, at) => matches(text, lines[at] ?? ''));
}

function matches(promised: string, line: string): boolean {
  const parts = promised.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}

/** As the documentation is written, so that it can run beside others: 8000 is another port. */
export function onPort(text: string, port: number): string {
  return text.replaceAll(/\b8000\b/g, String(port));
}

/** The source behind each name the package exports: `bayeuxd` is `src/index.ts`. */
export function sourcesByName(): Map<string, string> {
  const { exports }: { exports: Record<string, string | { default: string }> } = JSON.parse(
    readFileSync('package.json', 'utf8'),
  );
  return new Map(
    Object.entries(exports).flatMap(([subpath, target]): [string, string][] => {
      if (typeof target === 'string') return [];
      const source = target.default.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts');
      return [[`bayeuxd${subpath.slice(1)}`, source]];
    }),
  );
}
