import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Diagnostic {
  readonly message: string;
}

/** Asks the language service of TypeScript, as an editor does, about a file that need not exist. */
export class LanguageService {
  readonly #process: ChildProcess;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #uri = pathToFileURL(resolve('spec/types/editor.ts')).href;
  #bytes: Buffer = Buffer.alloc(0);
  #lastId = 0;

  private constructor() {
    this.#process = spawn(process.execPath, ['node_modules/typescript/lib/tsc.js', '--lsp', '--stdio'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  static async start(): Promise<LanguageService> {
    const service = new LanguageService();
    await service.#ask('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(resolve('.')).href,
      capabilities: { textDocument: { hover: { contentFormat: ['plaintext'] }, diagnostic: {} } },
    });
    service.#tell('initialized', {});
    return service;
  }

  /** Opens the file with this text; a `|` in it is the cursor and is taken out. Gives what hovering the cursor shows. */
  async hover(marked: string): Promise<string> {
    const at = marked.indexOf('|');
    const position = positionOf(marked, at);
    const textDocument = this.#open(marked.slice(0, at) + marked.slice(at + 1));
    const result = await this.#ask('textDocument/hover', { textDocument, position });
    this.#close();
    return JSON.stringify(result);
  }

  /** What hovering shows on each line of a text, where `columnOf` says. */
  async hovers(text: string, columnOf: (line: string) => number): Promise<string[]> {
    const textDocument = this.#open(text);
    const results = text.split('\n').map((one, line) => {
      const position = { line, character: Math.max(0, columnOf(one) - 1) };
      return this.#ask('textDocument/hover', { textDocument, position });
    });
    const shown = await Promise.all(results);
    this.#close();
    return shown.map((one) => JSON.stringify(one));
  }

  /** The messages of the faults in a text. */
  async faults(text: string): Promise<string[]> {
    const textDocument = this.#open(text);
    const result = await this.#ask('textDocument/diagnostic', { textDocument });
    this.#close();
    const { items } = result as { items: readonly Diagnostic[] };
    return items.map(({ message }) => message);
  }

  stop(): void {
    this.#process.kill();
  }

  #open(text: string): { readonly uri: string } {
    const textDocument = { uri: this.#uri, languageId: 'typescript', version: 1, text };
    this.#tell('textDocument/didOpen', { textDocument });
    return { uri: this.#uri };
  }

  #close(): void {
    this.#tell('textDocument/didClose', { textDocument: { uri: this.#uri } });
  }

  #ask(method: string, params: object): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<unknown>((give) => void this.#answers.set(id, give));
    this.#write({ jsonrpc: '2.0', id, method, params });
    return answer;
  }

  #tell(method: string, params: object): void {
    this.#write({ jsonrpc: '2.0', method, params });
  }

  #write(message: object): void {
    const text = JSON.stringify(message);
    this.#process.stdin?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#bytes.subarray(0, end).toString())?.[1]);
      if (this.#bytes.length < end + 4 + length) return;
      const message = JSON.parse(this.#bytes.subarray(end + 4, end + 4 + length).toString());
      this.#bytes = this.#bytes.subarray(end + 4 + length);
      this.#take(message);
    }
  }

  // The service asks its editor things as well: an answer without a result is enough for it.
  #take({ id, method, result }: { id?: number; method?: string; result?: unknown }): void {
    if (id === undefined) return;
    if (method !== undefined) this.#write({ jsonrpc: '2.0', id, result: null });
    else this.#answers.get(id)?.(result);
  }
}

function positionOf(text: string, at: number): { readonly line: number; readonly character: number } {
  const before = text.slice(0, at).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}
