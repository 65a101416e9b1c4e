import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { loadConfig } from '#config/load';
import { sourceOf } from './config.ts';
import { autodiscoverChecks } from './doctor/autodiscover.ts';
import { certificateCheck } from './doctor/certificate.ts';
import { deviceCheck } from './doctor/device.ts';
import { dnsChecks } from './doctor/dns.ts';
import { type Check, type Finding, fail, type Level, ok, runChecks } from './doctor/finding.ts';
import { listenerChecks } from './doctor/listeners.ts';
import { machineChecks } from './doctor/machine.ts';
import { mailChecks } from './doctor/mail.ts';
import { lookAround, type Scene } from './doctor/scene.ts';
import { askPassword } from './password.ts';
import { Session, withJson } from './session.ts';
import { printable } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

/** For one check; they run side by side. */
const checkTimeoutMs = 15_000;

interface DoctorOptions {
  readonly user?: string;
  readonly passwordStdin?: boolean;
  readonly json?: boolean;
}

/** addDoctor adds `doctor`. */
export function addDoctor(program: Command, terminal: Terminal): void {
  withJson(program.command('doctor'))
    .description('look whether all is well, say what is not and what to do; exits with 1 if anything fails')
    .option('--user <address>', 'sign in as a new phone of this user, too')
    .option('--password-stdin', "read the user's password from standard input; else it is asked for")
    .action(async (options: DoctorOptions, command: Command) => {
      const { user, passwordStdin, json } = options;
      if (passwordStdin && user === undefined) throw new UsageError('--password-stdin needs --user ADDRESS.');
      const config = loadConfig(sourceOf(command, terminal));
      const password = user === undefined ? '' : await passwordOf(user, passwordStdin === true, terminal);
      const scene = await lookAround(config, new Session(terminal, command));
      const first = serverFinding(scene);
      if (!json) terminal.print(format(first, terminal));
      const device = user === undefined ? [] : [deviceCheck(scene, terminal.visit, user, password)];
      const found = await runChecks([...checksOf(scene), ...device], checkTimeoutMs);
      const Findings = [first, ...found];
      terminal.print(
        json
          ? `${JSON.stringify({ Status: worst(Findings), Findings }, null, 2)}\n`
          : found.map((finding) => format(finding, terminal)).join(''),
      );
      const failed = Findings.filter(({ Status }) => Status === 'FAIL').length;
      if (failed > 0)
        throw new CliError(`${failed} of ${Findings.length} checks failed: do what the lines say.`);
    });
}

function checksOf(scene: Scene): readonly Check[] {
  return [
    ...listenerChecks(scene),
    certificateCheck(scene),
    ...machineChecks(scene),
    ...dnsChecks(scene),
    ...autodiscoverChecks(scene),
    ...mailChecks(scene),
  ];
}

async function passwordOf(user: string, fromStdin: boolean, terminal: Terminal): Promise<string> {
  if (!fromStdin) return askPassword(`Password of ${user}: `, terminal);
  const [password = ''] = (await text(terminal.stdin)).split(/\r?\n/, 1);
  return password;
}

function serverFinding({ outage, hostname, config }: Scene): Finding {
  if (outage !== undefined) return fail('server', outage, 'What follows is what can be seen without it.');
  return ok('server', `${hostname} answers at ${config.dataDir}/admin.sock`);
}

function worst(findings: readonly Finding[]): Level {
  const levels = findings.map(({ Status }) => Status);
  return levels.includes('FAIL') ? 'FAIL' : levels.includes('WARN') ? 'WARN' : 'OK';
}

const colours: Readonly<Record<Level, number>> = { OK: 32, WARN: 33, FAIL: 31 };
const checkWidth = 22;

/** A line, and below it what to do. */
function format({ Check, Status, Found, Advice }: Finding, { hasColours }: Terminal): string {
  const word = Status.toLowerCase().padEnd(4);
  const mark = hasColours === true ? `\u001b[${colours[Status]}m${word}\u001b[0m` : word;
  const line = `${mark}  ${printable(Check).padEnd(checkWidth)}  ${printable(Found)}\n`;
  return Advice === undefined ? line : `${line}${' '.repeat(6)}-> ${printable(Advice)}\n`;
}
