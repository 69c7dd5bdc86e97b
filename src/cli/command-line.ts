import { Argument, Command, Option } from 'commander';
import { rights } from '../features/auth/rights.ts';
import { didYouMean } from '../lib/did-you-mean.ts';
import type { NamedOption } from '../options/table.ts';
import { type AskFlags, type AskName, askCommands } from './ask/commands.ts';
import type { BenchFlags } from './bench.ts';
import { type Shell, shells } from './completion/described.ts';
import type { Flags } from './config.ts';
import type { ExplainFlags } from './explain.ts';
import type { InitFlags } from './init.ts';
import type { KeyFlags } from './key.ts';
import { helpScreen } from './help-screen.ts';
import { commandItems, helpText, insteadDocs, valueName } from './help.ts';
import { allOptions, configOption } from './options.ts';
import type { PublishFlags, What } from './publish.ts';
import type { SubscribeFlags } from './subscribe.ts';
import type { TokenFlags } from './token.ts';

/** Other work that a flag asks `serve` to do. */
export type Instead = 'check' | 'print-config' | undefined;

/** The implementations of the commands. */
export interface Actions {
  serve(flags: Flags, instead: Instead): Promise<void>;
  publish(url: string, what: What, flags: PublishFlags): Promise<void>;
  subscribe(url: string, pattern: string, flags: SubscribeFlags): Promise<void>;
  bench(url: string, flags: BenchFlags): Promise<void>;
  ask(name: AskName, argument: string | undefined, flags: AskFlags): Promise<void>;
  explain(id: string | undefined, flags: ExplainFlags): Promise<void>;
  token(what: TokenFlags, flags: Flags): Promise<void>;
  key(what: KeyFlags): Promise<void>;
  init(file: string, flags: InitFlags): Promise<void>;
  completion(shell: Shell, program: Command): Promise<void>;
}

/** The command line is dealt with. `code` 0: help or version was printed. 2: a mistake in the command line was reported. */
export class Ended extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`ended with code ${code}`);
    this.code = code;
  }
}

/** The command line of the program. Its flags come from the option tables. */
export function commandLine(version: string, actions: Actions): Command {
  const program = new Command('bayeuxd')
    .version(version, '-V, --version', 'print the version and exit')
    .configureHelp({ helpWidth: width() })
    .exitOverride(({ exitCode }) => {
      throw new Ended(exitCode === 0 ? 0 : 2);
    })
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  const serve = withFlags(program.command('serve', { isDefault: true }))
    .summary('Serve Bayeux and a chat page.')
    .allowExcessArguments(true)
    .action(async () => {
      refuseUnknownCommand(program, serve);
      await actions.serve(flagsOf(serve), insteadOf(serve));
    });
  clientCommand(program, 'publish', 'Publish one event, or one event for each line of standard input.')
    .summary('Publish an event; - reads stdin.')
    .argument(
      '<channel>',
      'a channel such as /chat/news; with -, each input line is an event as subscribe prints it',
    )
    .argument(
      '[json]',
      'the data as JSON, such as 42 or \'"hello"\'; with -, each input line is the data of an event',
    )
    .option(
      '--key <key>',
      'publish through the HTTP API with this key; <url> is then like http://127.0.0.1:8000/api/publish',
    )
    .option('--key-file <file>', 'the same with the key in this file')
    .action((url, channel, json, flags) => actions.publish(url, { channel, json }, flags));
  clientCommand(program, 'subscribe', 'Print the events of a channel as JSON lines until interrupted.')
    .summary('Print events as JSON lines.')
    .argument('<pattern>', "a channel such as /chat/news, or a pattern such as '/chat/*' or '/chat/**'")
    .option('--from <id>', 'start after this replay id; -1: new events only, -2: all stored events first')
    .option('--ack', 'acknowledge events, so that the server sends lost ones again')
    .option('--count <events>', 'exit after this many events')
    .option('--time <seconds>', 'exit after this time, with code 1 if --count was not reached')
    .action(actions.subscribe);
  clientCommand(
    program,
    'bench',
    'Measure a server, with subscribers and a publisher in this process, on a channel of their own.',
  )
    .summary('Measure a server.')
    .option('--subscribers <number>', 'number of subscribers, up to 10000 (100)')
    .option('--rate <events>', 'events published per second, up to 100000 (100)')
    .option('--size <bytes>', 'size of the JSON data of an event, up to 65536 (100)')
    .option('--time <seconds>', 'time to measure, up to 600, after 2 seconds of warm-up (10)')
    .option('--any-host', 'allow a server on another machine')
    .action(actions.bench);
  for (const { name, ...command } of askCommands) {
    const asking = program.command(name).summary(command.summary).description(command.description);
    if (command.argument !== undefined) asking.argument(...command.argument);
    for (const option of command.options) asking.option(...option);
    withApi(asking.helpOption('-h, --help', 'print this help and exit')).action(() =>
      actions.ask(name, asking.args[0], asking.opts()),
    );
  }
  explainCommand(program).action(actions.explain);
  const token = withAuthFlags(tokenCommand(program)).action((what) => actions.token(what, flagsOf(token)));
  program
    .command('key')
    .summary('Make a key of the HTTP API.')
    .description(
      'Make a key of the HTTP API, and print its entry for --api-keys-file. The key itself is shown once, on standard error.',
    )
    .helpOption('-h, --help', 'print this help and exit')
    .option('--name <name>', 'its name in the log')
    .option('--rights <list>', 'publish, read and admin, which includes the others (publish)')
    .option('--channels <list>', "patterns of its channels, such as '/ci/**,/news' (/**)")
    .option('--rate <requests>', 'requests a second that it may send (no limit)')
    .action((what) => actions.key(what));
  program
    .command('init')
    .summary('Write a configuration file.')
    .description(
      'Write a configuration file with the common options as comments, and with a new API key. Only its owner can read it.',
    )
    .helpOption('-h, --help', 'print this help and exit')
    .argument('[file]', 'where to write it', 'bayeuxd.yaml')
    .option(
      '--auth',
      'ask clients for tokens, signed with a new secret; then grant channels with channels[].grants',
    )
    .option('--force', 'overwrite the file if it is there')
    .action(actions.init);
  program
    .command('completion')
    .summary('Print the completion of a shell.')
    .description(
      'Print a script with which the shell completes commands and flags. For bash, add this line to ~/.bashrc: source <(bayeuxd completion bash)',
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .helpOption('-h, --help', 'print this help and exit')
    .action((shell) => actions.completion(shell, program));
  for (const command of [program, serve])
    command.helpInformation = () =>
      command.args.includes('all') ? helpText(version, width(), commandItems(program)) : helpScreen(version);
  return program;
}

/** Columns of the terminal, at most 120: longer lines are hard to read. */
export function width(): number {
  return Math.min(process.stdout.columns ?? 80, 120);
}

/** Commander's error in the form of all other errors of the program. */
function oneLine(error: string): string {
  return error.replace(/^error: /, 'bayeuxd: ').replace(/\n\(Did you mean (.*)\?\)/, '; did you mean $1?');
}

/** A command that is a client of a server, with the options that all of these have. */
function clientCommand(program: Command, name: string, description: string): Command {
  const client = program
    .command(name)
    .description(description)
    .argument('<url>', 'URL of Bayeux, such as http://127.0.0.1:8000/bayeux; write ws: to use WebSocket')
    .helpOption('-h, --help', 'print this help and exit')
    .option('--ext <json>', 'the ext of every message, such as \'{"token":"secret"}\'');
  return withConnection(client);
}

/** With the options of everything that connects. */
function withConnection(command: Command): Command {
  return command
    .option(
      '--header <header>',
      "HTTP header to send, such as 'Authorization: Bearer token'; repeat the option for more headers",
      collected,
    )
    .option('--ca <file>', 'PEM file with certificates to trust')
    .option('--insecure', 'accept any certificate');
}

function explainCommand(program: Command): Command {
  const command = program
    .command('explain')
    .summary('Tell why an event did not come.')
    .description(
      'Tell why a client did not get an event. The server needs the option "journal", and a key with the right read.',
    )
    .argument(
      '[id]',
      'a publish, by the publishId in the answer to it; else give --channel with --session or --user',
    )
    .helpOption('-h, --help', 'print this help and exit')
    .option('--channel <channel>', 'channel of the events')
    .option('--session <id>', 'session that did not get them, by its public id')
    .option('--user <name>', 'user that did not get them');
  return withApi(command);
}

/** With the options of everything that calls the HTTP API. */
function withApi(command: Command): Command {
  command
    .option('--json', 'print JSON: one line for each item of a list, or for the answer')
    .option('--url <url>', 'address of the HTTP API (BAYEUXD_URL, or http://127.0.0.1:8000/api)')
    .option('--key <key>', 'key of the HTTP API (BAYEUXD_API_KEY)')
    .option('--key-file <file>', 'file with the key (BAYEUXD_API_KEY_FILE)');
  return withConnection(command);
}

function tokenCommand(program: Command): Command {
  const command = program
    .command('token')
    .summary('Make a token for development.')
    .description(
      'Make a token for development, signed with the secret of the configuration or with a new one; or say why one is refused.',
    )
    .helpOption('-h, --help', 'print this help and exit')
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
  for (const option of allOptions)
    if (option.path.startsWith('auth.')) command.addOption(optionOf(option).hideHelp());
  return command.addHelpText(
    'after',
    '\nThe --auth-… flags and variables of serve give the key that signs or verifies it.',
  );
}

/** The words are for completion. The option table checks the value. */
function optionOf({ flag, row }: NamedOption): Option {
  const isSwitch = row.kind === 'boolean';
  const option = new Option(isSwitch ? flag : `${flag} <${valueName(row)}>`, row.doc);
  if (row.words !== undefined) option.argChoices = row.words.map(String);
  return option;
}

function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function withFlags(command: Command): Command {
  command.addOption(new Option(`${configOption.flag} <file>`, configOption.doc));
  command.addOption(new Option('--check', insteadDocs.check).conflicts('printConfig'));
  command.addOption(new Option('--print-config', insteadDocs['print-config']));
  for (const option of allOptions) {
    command.addOption(optionOf(option));
    if (option.row.kind === 'boolean')
      command.addOption(new Option(`--no-${option.flag.slice(2)}`, `The opposite of ${option.flag}.`));
  }
  return command;
}

function flagsOf(command: Command): Flags {
  const values = new Map(
    command.options.map((option) => [option.name(), command.getOptionValue(option.attributeName())]),
  );
  return (flag) => {
    const value: unknown = values.get(flag.slice(2));
    return value === undefined ? undefined : String(value);
  };
}

function insteadOf(command: Command): Instead {
  if (command.getOptionValue('check')) return 'check';
  return command.getOptionValue('printConfig') ? 'print-config' : undefined;
}

function refuseUnknownCommand(program: Command, serve: Command): void {
  const [name] = serve.args;
  if (name === undefined) return;
  const known = program.commands.map((command) => command.name());
  serve.error(
    `error: unknown command "${name}"${didYouMean(name, known) || `; there are ${known.join(', ')}`}`,
  );
}
