import { Command, Option } from 'commander';
import { rights } from '../features/auth/rights.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import type { BenchFlags } from './bench.ts';
import type { ClientFlags } from './client-options.ts';
import type { Flags } from './config.ts';
import type { KeyFlags } from './key.ts';
import { helpScreen } from './help-screen.ts';
import { helpText } from './help.ts';
import { allOptions, configOption } from './options.ts';
import type { What } from './publish.ts';
import type { SubscribeFlags } from './subscribe.ts';
import type { TokenFlags } from './token.ts';

/** What `serve` does instead of serving. */
export type Instead = 'check' | 'print-config' | undefined;

/** What the commands do. */
export interface Actions {
  serve(flags: Flags, instead: Instead): Promise<void>;
  publish(url: string, what: What, flags: ClientFlags & { readonly key?: string }): Promise<void>;
  subscribe(url: string, pattern: string, flags: SubscribeFlags): Promise<void>;
  bench(url: string, flags: BenchFlags): Promise<void>;
  token(what: TokenFlags, flags: Flags): Promise<void>;
  key(what: KeyFlags): Promise<void>;
}

/** Nothing is left to do: the help or the version was printed (0), or the command line is wrong and it was said why (2). */
export class Ended extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`ended with code ${code}`);
    this.code = code;
  }
}

/** The command line of the program, its flags read off the option tables. */
export function commandLine(version: string, actions: Actions): Command {
  const program = new Command('bayeuxd')
    .version(version, '-V, --version', 'print the version and exit')
    .configureHelp({ helpWidth: width() })
    .exitOverride(({ exitCode }) => {
      throw new Ended(exitCode === 0 ? 0 : 2);
    })
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  const serve = withFlags(program.command('serve', { isDefault: true }))
    .allowExcessArguments(true)
    .action(async () => {
      refuseUnknownCommand(serve);
      await actions.serve(flagsOf(serve), insteadOf(serve));
    });
  clientCommand(program, 'publish', 'Publish an event, or one for each line of the standard input.')
    .argument(
      '<channel>',
      'such as /chat/news; - publishes lines that are whole events, as subscribe prints them',
    )
    .argument('[json]', 'the data; quote a string twice: \'"hello"\'. - publishes each line, which is JSON')
    .option(
      '--key <key>',
      'key of the HTTP API, whose address <url> then is, such as http://127.0.0.1:8000/api/publish',
    )
    .action((url, channel, json, flags) => actions.publish(url, { channel, json }, flags));
  clientCommand(program, 'subscribe', 'Print the events of a channel as JSON lines until interrupted.')
    .argument('<pattern>', "such as /chat/news, '/chat/*' or '/chat/**'")
    .option('--from <id>', 'start after this replay id; -2 is everything that is kept, -1 what is new')
    .option('--ack', 'acknowledge what came, so that what is lost on the way is sent again')
    .option('--count <events>', 'end after so many events')
    .option('--time <seconds>', 'end after so many seconds; with code 1 if --count was not reached')
    .action(actions.subscribe);
  clientCommand(
    program,
    'bench',
    'Measure a server: subscribers and a publisher in this process, on a channel of their own.',
  )
    .option('--subscribers <number>', 'sessions that subscribe, up to 10000 (100)')
    .option('--rate <events>', 'events published a second, up to 100000 (100)')
    .option('--size <bytes>', 'data of each event as JSON, up to 65536 (100)')
    .option('--time <seconds>', 'how long, up to 600, after 2 to warm up (10)')
    .option('--any-host', 'let the server be on another machine')
    .action(actions.bench);
  const token = withAuthFlags(tokenCommand(program)).action((what) => actions.token(what, flagsOf(token)));
  program
    .command('key')
    .description(
      'Make a key of the HTTP API, and print its entry for --api-keys-file. The key itself is said once.',
    )
    .option('--name <name>', 'its name in the log')
    .option('--rights <list>', 'publish, read and admin, which includes the others (publish)')
    .option('--channels <list>', "patterns of its channels, such as '/ci/**,/news' (/**)")
    .action((what) => actions.key(what));
  for (const command of [program, serve])
    command.helpInformation = () =>
      command.args.includes('all') ? helpText(version, width()) : helpScreen(version);
  return program;
}

/** Columns of the terminal, as far as people like to read. */
export function width(): number {
  return Math.min(process.stdout.columns ?? 80, 120);
}

/** As everything else the program complains about. */
function oneLine(error: string): string {
  return error.replace(/^error: /, 'bayeuxd: ').replace(/\n\(Did you mean (.*)\?\)/, '; did you mean $1?');
}

/** A command that speaks to a server, with the options that all of them have. */
function clientCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<url>', 'where Bayeux is served, such as http://127.0.0.1:8000/bayeux, or ws: for a WebSocket')
    .option(
      '--header <header>',
      "send this with every request, such as 'Authorization: Bearer token'; may be repeated",
      collected,
    )
    .option('--ext <json>', 'send this ext with every message, such as \'{"token":"secret"}\'')
    .option('--ca <file>', 'PEM file with certificates to trust')
    .option('--insecure', 'accept any certificate');
}

function tokenCommand(program: Command): Command {
  const command = program
    .command('token')
    .description(
      'Make a token for development, signed with the secret of the configuration or with a new one; or say why one is refused.',
    )
    .option('--sub <name>', 'user that it names')
    .option('--ttl <seconds>', 'its lifetime (3600)')
    .option('--claim <name=json>', 'another claim; may be repeated', collected)
    .option('--verify <token>', 'print the claims of this token, and why it is refused, if it is');
  for (const right of rights)
    command.option(`--${right} <pattern>`, `grant ${right} on these channels; may be repeated`, collected);
  return command;
}

/** With the flags of `serve` for authentication. */
function withAuthFlags(command: Command): Command {
  command.addOption(new Option(`${configOption.flag} <file>`, 'configuration file, as of serve'));
  for (const { flag, path, row } of allOptions)
    if (path.startsWith('auth.')) command.addOption(optionOf(flag, row.kind === 'boolean').hideHelp());
  return command.addHelpText(
    'after',
    '\nThe --auth-… flags and variables of serve give the key that signs or verifies it.',
  );
}

function optionOf(flag: string, isBoolean: boolean): Option {
  return new Option(isBoolean ? flag : `${flag} <value>`);
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function withFlags(command: Command): Command {
  command.addOption(new Option(`${configOption.flag} <file>`));
  command.addOption(new Option('--check').conflicts('printConfig'));
  command.addOption(new Option('--print-config'));
  for (const { flag, row } of allOptions) {
    if (row.kind !== 'boolean') command.addOption(new Option(`${flag} <value>`));
    else command.addOption(new Option(flag)).addOption(new Option(`--no-${flag.slice(2)}`));
  }
  return command;
}

function flagsOf(command: Command): Flags {
  const given = new Map(
    command.options.map((option) => [option.name(), command.getOptionValue(option.attributeName())]),
  );
  return (flag) => {
    const value: unknown = given.get(flag.slice(2));
    return value === undefined ? undefined : String(value);
  };
}

function insteadOf(command: Command): Instead {
  if (command.getOptionValue('check')) return 'check';
  return command.getOptionValue('printConfig') ? 'print-config' : undefined;
}

function refuseUnknownCommand(serve: Command): void {
  const [name] = serve.args;
  if (name === undefined) return;
  const known = ['serve', 'publish', 'subscribe', 'bench', 'token', 'key'];
  serve.error(
    `error: unknown command "${name}"${didYouMean(name, known) || `; there are ${known.join(', ')}`}`,
  );
}
