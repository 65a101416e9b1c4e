import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { recordsOf, Session, withJson, withOrganization } from './session.ts';
import { formatFields, formatTable } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

const entityOption = [
  '--entity <user|group>',
  "this one's own policy instead of the organisation's",
] as const;

/** addPolicy adds `policy show|set|delete|settings`. */
export function addPolicy(program: Command, terminal: Terminal): void {
  const policy = program.command('policy').description('what mobile devices must obey');
  withOrganization(policy.command('show'))
    .description('show the mobile policy')
    .option(...entityOption)
    .action(async (options: PolicyOptions, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await ownerOf(session, options);
      const output = await session.client.call('Mailstead.GetMobilePolicy', owner);
      const hasNone = options.entity !== undefined && output['Revision'] === 0;
      session.show(output, hasNone ? () => noOwnPolicy(options.entity) : formatPolicy);
    });
  withOrganization(policy.command('set'))
    .description('change settings of the mobile policy; every device then provisions again')
    .argument(
      '<setting=value...>',
      'such as PasswordRequired=true MinimumPasswordLength=6; NAME= takes one back, commas are between the entries of a list; "mailstead policy settings" names them all',
    )
    .option('--replace', 'drop every setting that is not given')
    .option(...entityOption)
    .action(async (assignments: string[], options: PolicyOptions, command: Command) => {
      const given = assignments.map(parseAssignment);
      const session = new Session(terminal, command);
      const owner = await ownerOf(session, options);
      const changes = await byApiNames(session, given);
      const before = await session.client.call('Mailstead.GetMobilePolicy', owner);
      const kept = options.replace ? {} : (before['Policy'] as object | undefined);
      const merged = { ...kept, ...changes };
      const Policy = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
      const output = await putPolicy(session, { ...owner, Policy });
      const isFirst = options.entity !== undefined && before['Revision'] === 0;
      session.show(output, (put) => formatPolicy(put) + (isFirst ? countsAlone : ''));
    });
  withOrganization(policy.command('delete'))
    .description('take a mobile policy back: nothing of it is enforced; every device then provisions again')
    .option(...entityOption)
    .action(async (options: PolicyOptions, command: Command) => {
      const session = new Session(terminal, command);
      const owner = await ownerOf(session, options);
      const output = await session.client.call('Mailstead.DeleteMobilePolicy', owner);
      session.show(output, () => 'The policy is deleted.\n');
    });
  withJson(policy.command('settings'))
    .description('list every setting that a mobile policy may have')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      session.show(await session.client.call('Mailstead.ListMobilePolicySettings'), formatSettings);
    });
}

/** AllowNonProvisionableDevices is no element of MS-ASPROV: it is for this server alone. */
const ownSetting: Output = { Name: 'AllowNonProvisionableDevices', Type: 'BOOLEAN', Default: false };

const whereTold = '"mailstead policy settings" shows every setting and what it takes.';

function formatSettings({ Settings }: Output): string {
  const rows = [...recordsOf(Settings), ownSetting].map((one) => [
    one['Name'],
    valuesOf(one),
    one['Default'],
    one['Element'] === one['Name'] ? '' : one['Element'],
  ]);
  return formatTable(['SETTING', 'VALUES', 'WITHOUT IT', 'ELEMENT'], rows);
}

function valuesOf({ Type, Minimum, Maximum, Values }: Output): string {
  if (Type === 'BOOLEAN') return 'true, false';
  if (Type === 'LIST') return 'texts, with commas between';
  return Array.isArray(Values) ? Values.join(', ') : `${Minimum} to ${Maximum}`;
}

/** For whoever expects it to be added to the organisation's. */
const countsAlone =
  "\nFrom now on this counts in the place of the organisation's policy: nothing of that is added.\n";

function noOwnPolicy(entity: string | undefined): string {
  return `${entity} has no policy of its own: that of the groups it is in counts, or else the organisation's.\n`;
}

async function putPolicy(session: Session, input: object): Promise<Output> {
  try {
    return await session.client.call('Mailstead.PutMobilePolicy', input);
  } catch (error) {
    const isValue =
      error instanceof ApiError &&
      ['SerializationException', 'InvalidParameterException'].includes(error.type);
    if (!isValue) throw error;
    throw new CliError(`${error.type}: ${error.message.replace(/\.?$/, '.')} ${whereTold}`);
  }
}

interface PolicyOptions {
  readonly entity?: string;
  readonly replace?: boolean;
}

async function ownerOf(session: Session, { entity }: PolicyOptions): Promise<object> {
  const OrganizationId = await session.organizationId();
  return entity === undefined ? { OrganizationId } : { OrganizationId, EntityId: entity };
}

type Assignment = readonly [name: string, value: unknown];

/** A value is null to take the setting back, true or false, a number, or for a list its members between commas. */
function parseAssignment(assignment: string): Assignment {
  const [, name, text] = /^(\w+)=(.*)$/s.exec(assignment) ?? [];
  if (name === undefined || text === undefined) {
    throw new UsageError(`"${assignment}" is no setting such as PasswordRequired=true.`);
  }
  if (text === '') return [name, null];
  if (name.endsWith('List')) return [name, text.split(',').map((entry) => entry.trim())];
  if (text === 'true' || text === 'false') return [name, text === 'true'];
  return [name, /^-?\d+$/.test(text) ? Number(text) : text];
}

/** A setting is known by two names, and the policy has it by one of them. */
async function byApiNames(session: Session, assignments: readonly Assignment[]): Promise<object> {
  const { Settings } = await session.client.call('Mailstead.ListMobilePolicySettings');
  const known = [...recordsOf(Settings), ownSetting];
  const changes = new Map<string, unknown>();
  for (const [given, value] of assignments) {
    const setting = known.find(({ Name, Element }) => Name === given || Element === given);
    if (setting !== undefined) checkKind(given, value, setting);
    const name = String(setting?.['Name'] ?? given);
    if (changes.has(name)) throw new UsageError(`${given} is given twice. Give each setting once.`);
    changes.set(name, value);
  }
  return Object.fromEntries(changes);
}

/** The server's word for a text in the place of a number does not say of which setting. */
function checkKind(name: string, value: unknown, setting: Output): void {
  const kind = setting['Type'] === 'BOOLEAN' ? 'boolean' : setting['Type'] === 'NUMBER' ? 'number' : 'object';
  if (value === null || typeof value === kind) return;
  throw new CliError(`${name} takes ${valuesOf(setting)}, and not "${String(value)}". ${whereTold}`);
}

function formatPolicy({ Policy, ...rest }: Output): string {
  const settings = formatFields(Policy as object as Readonly<Record<string, unknown>>);
  return `${formatFields(rest)}${settings === '' ? 'Nothing is enforced.\n' : `\n${settings}`}`;
}
