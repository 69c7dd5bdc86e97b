import { HistoryError } from '../features/history/level/history-error.ts';
import { systemClock } from '../lib/clock.ts';
import { ArgumentError, ClientError, NothingFound } from './client-error.ts';
import { commandLine, Ended, width } from './command-line.ts';
import { ConfigError } from './config-error.ts';
import { interrupted } from './signals.ts';
import { version } from '../lib/version.ts';

const print = (line: string) => void process.stdout.write(`${line}\n`);
const complain = (line: string) => void process.stderr.write(`bayeuxd: ${line}\n`);

// Only a terminal can overwrite a line.
const show = (line: string) => void (process.stderr.isTTY && process.stderr.write(`\r\u001b[K${line}`));

/** Each command loads only its own modules: the server alone takes longer to load than `publish` takes to run. */
async function main(argv: readonly string[]): Promise<void> {
  const program = commandLine(version(), {
    async serve(flags, instead) {
      const { serve } = await import('./serve.ts');
      await serve(flags, instead);
    },
    async publish(url, what, flags) {
      const { publish } = await import('./publish.ts');
      await publish(url, what, flags, { input: process.stdin, print, say: complain });
    },
    async subscribe(url, pattern, flags) {
      const { subscribe } = await import('./subscribe.ts');
      const output = { signal: interrupted(), clock: systemClock, print, say: complain };
      await subscribe(url, pattern, output, flags);
    },
    async bench(url, flags) {
      const { bench } = await import('./bench.ts');
      await bench(url, flags, { signal: interrupted(), clock: systemClock, width: width(), print, show });
    },
    async token(what, flags) {
      const [{ token }, { loadConfig }] = await Promise.all([import('./token.ts'), import('./config.ts')]);
      await token(what, loadConfig(flags, process.env), { clock: systemClock, print, say: complain });
    },
    async explain(id, flags) {
      const { explain } = await import('./explain.ts');
      await explain(id, flags, { env: process.env, width: Math.min(width(), 80), print, say: complain });
    },
    async ask(name, argument, flags) {
      const { ask } = await import('./ask/ask.ts');
      // Some terminals say that they have 0 columns.
      const terminal = process.stdout.columns || undefined;
      const around = { env: process.env, clock: systemClock, terminal, print, say: complain };
      await ask(name, argument, flags, { ...around, interrupted });
    },
    async key(what) {
      const { key } = await import('./key.ts');
      key(what, { print, say: complain });
    },
    async init(file, flags) {
      const { init } = await import('./init.ts');
      init(file, flags, { print });
    },
    async completion(shell, program) {
      const { completion } = await import('./completion/completion.ts');
      print(completion(shell, program));
    },
  });
  await program.parseAsync(argv);
}

function fail(error: unknown): void {
  if (error instanceof Ended) {
    process.exitCode = error.code;
    return;
  }
  process.exitCode = codeOf(error);
  if (error instanceof ConfigError) for (const line of error.message.split('\n')) complain(line);
  else if (error instanceof ClientError) complain(error.message);
  else if (error instanceof HistoryError) complain(error.message);
  else complain(error instanceof Error ? `${error.stack}` : String(error));
}

function codeOf(error: unknown): number {
  if (error instanceof ArgumentError) return 2;
  return error instanceof NothingFound ? 3 : 1;
}

// `bayeuxd subscribe … | head` ends without an error.
process.stdout.on('error', () => process.exit(0));

await main(process.argv).catch(fail);
