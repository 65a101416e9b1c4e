import { Command, CommanderError } from 'commander';
import { ConfigError } from '#config/load';
import { addAccessRule } from './access-rule.ts';
import { ApiError } from './admin-client.ts';
import { addApi } from './api.ts';
import { addAudit } from './audit.ts';
import { addBackup } from './backup.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import { addDevice } from './device.ts';
import { addDoctor } from './doctor.ts';
import { addDomain } from './domain.ts';
import { usageOf, withExamples } from './examples.ts';
import { addGroup } from './group.ts';
import { addJournaling } from './journaling.ts';
import { addKey } from './key.ts';
import { addOrg } from './org.ts';
import { addPolicy } from './policy.ts';
import { addQueue } from './queue.ts';
import { addResource } from './resource.ts';
import { addRetention } from './retention.ts';
import { addRouting } from './routing.ts';
import { addServe } from './serve.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';
import { addToken } from './token.ts';
import { addUser } from './user.ts';
import { addVersion } from './version.ts';

const ExitCode = { Fine: 0, Failed: 1, WrongUsage: 2 } as const;

/** runCli does what the arguments say and gives the exit code: 0, 1 with a sentence on stderr, 2 for wrong usage. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let running: Command | undefined;
  try {
    const program = createProgram(terminal);
    program.hook('preAction', (_program, command) => {
      running = command;
    });
    await program.parseAsync(args, { from: 'user' });
    return ExitCode.Fine;
  } catch (error) {
    return report(error, terminal, running);
  }
}

/** createProgram makes the tree of all commands. */
export function createProgram(terminal: Terminal): Command {
  // Subcommands take these over when they are made.
  const program = new Command('mailstead')
    .exitOverride()
    .configureOutput({ writeOut: terminal.print, writeErr: terminal.complain })
    .configureHelp({ showGlobalOptions: true })
    .description('A self-hosted mail server: SMTP, Exchange ActiveSync, AutoDiscover')
    .option('--data <dir>', 'the data directory (or MAILSTEAD_DATA)')
    .option('--config <file>', 'the configuration file (or MAILSTEAD_CONFIG; default: mailstead.toml)');
  addServe(program, terminal);
  addOrg(program, terminal);
  addUser(program, terminal);
  addGroup(program, terminal);
  addResource(program, terminal);
  addDomain(program, terminal);
  addRouting(program, terminal);
  addJournaling(program, terminal);
  addRetention(program, terminal);
  addAccessRule(program, terminal);
  addDevice(program, terminal);
  addPolicy(program, terminal);
  addQueue(program, terminal);
  addKey(program, terminal);
  addToken(program, terminal);
  addAudit(program, terminal);
  addBackup(program, terminal);
  addDoctor(program, terminal);
  addConfig(program, terminal);
  addApi(program, terminal);
  addCompletion(program, terminal);
  addVersion(program, terminal);
  withExamples(program);
  return program;
}

function report(error: unknown, terminal: Terminal, running: Command | undefined): number {
  // Commander has printed its help or its complaint itself.
  if (error instanceof CommanderError) {
    const isAsked = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    return isAsked ? ExitCode.Fine : ExitCode.WrongUsage;
  }
  if (error instanceof ConfigError || error instanceof UsageError) {
    const isUsage = error instanceof UsageError && running !== undefined;
    terminal.complain(`${error.message}\n${isUsage ? `${usageOf(running)}\n` : ''}`);
    return ExitCode.WrongUsage;
  }
  terminal.complain(`${sentenceOf(error)}\n`);
  return ExitCode.Failed;
}

function sentenceOf(error: unknown): string {
  if (error instanceof CliError) return error.message;
  if (error instanceof ApiError) {
    const text = error.message.replace(/(?<=[^.!?])$/, '.');
    return `${error.type}: ${text}${hintFor(error.type, text)}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const hints: Readonly<Record<string, string>> = {
  EmailAddressInUseException: 'Choose another address.',
  EntityNotFoundException:
    '"mailstead user list", "mailstead group list" and "mailstead resource list" show who there is.',
  InternalFailure: 'The server’s log says more.',
  InvalidPasswordException: 'Choose another password.',
  MailDomainNotFoundException: 'Add it with "mailstead domain add DOMAIN".',
  MailDomainStateException: '"mailstead domain verify DOMAIN" says what is missing.',
  NameAvailabilityException: 'Choose another name.',
  OrganizationStateException:
    '"mailstead org list" shows the states; "mailstead org restore ALIAS" brings back a deleted one.',
  OrganizationNotFoundException: '"mailstead org list" shows those there are.',
  ReservedNameException: 'Choose another name.',
  ResourceNotFoundException:
    '"mailstead queue list", "mailstead device list" and "mailstead key list" show what there is.',
  ThrottlingException: 'Wait a moment and try again.',
  UnknownOperationException: 'This server does not serve it: see its version with "mailstead version".',
};

/** What to do about an EntityStateException, by the state that its text ends with. */
const stateHints: Readonly<Record<string, string>> = {
  'is ENABLED.': ' Disable it first.',
  'is DISABLED.': ' Enable it first.',
};

function hintFor(type: string, text: string): string {
  if (type === 'EntityStateException') return stateHints[text.split(' ').slice(-2).join(' ')] ?? '';
  return Object.hasOwn(hints, type) ? ` ${hints[type]}` : '';
}
