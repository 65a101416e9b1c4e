import { type Command, Option } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal, UsageError } from './terminal.ts';

/** addDeviceAccess adds `device allow|block|overrides|settings` and `device rule ...`. */
export function addDeviceAccess(device: Command, terminal: Terminal): void {
  addDecision(
    device,
    terminal,
    'allow',
    'let a device in, whatever the rules say; it may be one that did not come yet',
  );
  addDecision(
    device,
    terminal,
    'block',
    'keep a device out, whatever the rules say; it may be one that did not come yet',
  );
  withOrganization(device.command('overrides'))
    .description('list the devices that were allowed or blocked one by one')
    .option('--user <user>', 'only those of this user')
    .action(async ({ user }: { user?: string }, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const owner = user === undefined ? {} : { UserId: await session.userId(OrganizationId, user) };
      const operation = 'WorkMailService.ListMobileDeviceAccessOverrides';
      const input = { OrganizationId, ...owner };
      const output = await session.client.list(operation, 'Overrides', input);
      const names = await session.userNames(
        OrganizationId,
        recordsOf(output['Overrides']).map(({ UserId }) => UserId),
      );
      session.show(output, (all) => formatOverrides(all, names));
    });
  addSettings(device, terminal);
  addRule(device, terminal);
}

interface DecisionOptions {
  readonly description?: string;
  readonly off?: boolean;
}

function addDecision(device: Command, terminal: Terminal, name: 'allow' | 'block', what: string): void {
  withOrganization(device.command(name))
    .description(what)
    .argument('<user>', 'address, name or id')
    .argument('<device>', "the device's id")
    .option('--description <text>', 'why')
    .option('--off', 'take this back: the rules count again')
    .action(async (user: string, id: string, options: DecisionOptions, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const UserId = await session.userId(OrganizationId, user);
      const input = { OrganizationId, UserId, DeviceId: id };
      if (options.off) {
        const operation = 'Mailstead.DeleteMobileDeviceAccessOverride';
        const output = await session.client.call(operation, input);
        session.show(output, () => `The rules count for ${id} again.\n`);
        return;
      }
      const output = await session.client.call('Mailstead.PutMobileDeviceAccessOverride', {
        ...input,
        Effect: name === 'allow' ? 'ALLOW' : 'DENY',
        ...(options.description !== undefined && { Description: options.description }),
      });
      const known = await knownDevice(session, input);
      const hint = hintFor(known, name, user, id);
      session.show(output, () => `${id} is ${name === 'allow' ? 'allowed' : 'blocked'}.${hint}\n`);
    });
}

/** Undefined: the user has no such device. */
async function knownDevice(session: Session, input: object): Promise<Output | undefined> {
  try {
    return await session.client.call('Mailstead.DescribeMobileDevice', input);
  } catch (error) {
    if (error instanceof ApiError && error.type === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

function hintFor(known: Output | undefined, name: 'allow' | 'block', user: string, id: string): string {
  if (known === undefined) return ` ${user} has no such device yet: it counts when it comes.`;
  // A wipe comes before everything.
  if (name === 'block' || known['AccessReason'] !== 'WIPE') return '';
  const wayOut =
    known['WipeState'] === 'REQUESTED'
      ? `"mailstead device wipe ${user} ${id} --cancel" takes the wipe back.`
      : `Only "mailstead device remove ${user} ${id}" takes the wipe from it.`;
  return ` But it is to be wiped, and gets nothing else: ${wayOut}`;
}

interface SettingsOptions {
  readonly newDevices?: string;
  readonly max?: string;
  readonly notify?: string[];
  readonly notifyAdministrator?: boolean;
  readonly information?: string;
}

function addSettings(device: Command, terminal: Terminal): void {
  withOrganization(device.command('settings'))
    .description('show or change what becomes of new devices, and how many a user may have')
    .addOption(
      new Option('--new-devices <what>', 'what becomes of devices that come for the first time').choices([
        'allow',
        'block',
        'quarantine',
      ]),
    )
    .option('--max <number>', 'devices that a user may have')
    .option('--notify <address...>', 'who is told of devices in quarantine')
    .option('--notify-administrator', 'the administrator of the organisation is told')
    .addOption(
      new Option('--information <what>', 'whether devices must say what they are (14.1 and newer)').choices([
        'required',
        'optional',
      ]),
    )
    .action(async (options: SettingsOptions, command: Command) => {
      const changes = settingsOf(options);
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const before = await session.client.call('Mailstead.GetMobileDeviceAccessSettings', { OrganizationId });
      const isChange = Object.keys(changes).length > 0;
      const input = { OrganizationId, ...before, ...changes };
      const after = isChange
        ? await session.client.call('Mailstead.PutMobileDeviceAccessSettings', input)
        : before;
      const hint = await untold(session, OrganizationId, after);
      session.show(after, (settings) => formatSettings(settings) + hint);
    });
}

/** A device may wait for ever for somebody who does not know of it. */
async function untold(
  session: Session,
  OrganizationId: string,
  { NewDevices, NotifyAddresses }: Output,
): Promise<string> {
  const isNamed = Array.isArray(NotifyAddresses) && NotifyAddresses.length > 0;
  if (NewDevices !== 'QUARANTINE' || isNamed) return '';
  const { Administrator } = await session.client.call('Mailstead.GetMailRouting', { OrganizationId });
  return typeof Administrator === 'string'
    ? ''
    : '\nThere is no administrator: unless somebody has the address postmaster@, nobody is told of devices that wait. Name somebody with --notify, or with "mailstead routing administrator".\n';
}

function settingsOf({ newDevices, max, notify, notifyAdministrator, information }: SettingsOptions): object {
  if (notify !== undefined && notifyAdministrator === true)
    throw new UsageError('Give --notify or --notify-administrator, not both.');
  if (max !== undefined && !/^\d{1,9}$/.test(max)) throw new UsageError(`--max ${max} is no number.`);
  const addresses = notifyAdministrator === true ? [] : notify;
  return {
    ...(newDevices !== undefined && { NewDevices: newDevices.toUpperCase() }),
    ...(max !== undefined && { MaxDevicesPerUser: Number(max) }),
    ...(addresses !== undefined && { NotifyAddresses: addresses }),
    ...(information !== undefined && { RequireDeviceInformation: information === 'required' }),
  };
}

/** What a rule goes by: the option, and its members in the API. */
const traits = [
  { option: 'type', member: 'DeviceType', what: 'the type, such as iPhone' },
  { option: 'model', member: 'DeviceModel', what: 'the model, such as iPhone10C1' },
  { option: 'os', member: 'DeviceOperatingSystem', what: 'the system, such as "iOS 17"' },
  { option: 'user-agent', member: 'DeviceUserAgent', what: 'the program, such as Outlook' },
] as const;

type RuleOptions = Readonly<Record<string, unknown>>;

function addRule(device: Command, terminal: Terminal): void {
  const rule = device.command('rule').description('which devices are served, by what they are');
  withOrganization(rule.command('list'))
    .description('list the rules; DENY counts before ALLOW, and what no rule is for is blocked')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const operation = 'WorkMailService.ListMobileDeviceAccessRules';
      session.show(await session.client.call(operation, { OrganizationId }), formatRules);
    });
  withConditions(withOrganization(rule.command('create')))
    .description('make a rule; it is for devices that all its conditions hold for')
    .argument('<name>')
    .action(async (name: string, options: RuleOptions, command: Command) => {
      const content = ruleOf(name, options);
      const session = new Session(terminal, command);
      const input = { OrganizationId: await session.organizationId(), ...content };
      const output = await session.client.call('WorkMailService.CreateMobileDeviceAccessRule', input);
      session.show(output, formatFields);
    });
  withConditions(withOrganization(rule.command('update')))
    .description('replace a rule with all its conditions')
    .argument('<id>')
    .argument('<name>')
    .action(async (id: string, name: string, options: RuleOptions, command: Command) => {
      const content = ruleOf(name, options);
      const session = new Session(terminal, command);
      const input = await ruleInput(session, id);
      const operation = 'WorkMailService.UpdateMobileDeviceAccessRule';
      const output = await session.client.call(operation, { ...input, ...content });
      const hint = await allBlocked(session);
      session.show(output, () => `The rule ${name} is changed.${hint}\n`);
    });
  withOrganization(rule.command('delete'))
    .description('delete a rule; without any rule every device is blocked')
    .argument('<id>', '"mailstead device rule list" shows it')
    .action(async (id: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = await ruleInput(session, id);
      const output = await session.client.call('WorkMailService.DeleteMobileDeviceAccessRule', input);
      const hint = await allBlocked(session);
      session.show(output, () => `The rule ${id} is deleted.${hint}\n`);
    });
  const test = withOrganization(rule.command('test')).description('tell what the rules say of a device');
  for (const { option, what } of traits) test.option(`--${option} <text>`, what);
  test.action(async (options: RuleOptions, command: Command) => {
    const session = new Session(terminal, command);
    // An empty text is what a device does not tell.
    const told = traits.map(
      ({ option, member }) => [member, options[camelCase(option)] || undefined] as const,
    );
    const input = { OrganizationId: await session.organizationId(), ...present(told) };
    const operation = 'WorkMailService.GetMobileDeviceAccessEffect';
    session.show(await session.client.call(operation, input), formatEffect);
  });
}

async function rulesOf(session: Session, OrganizationId: string): Promise<readonly Output[]> {
  const operation = 'WorkMailService.ListMobileDeviceAccessRules';
  return recordsOf((await session.client.call(operation, { OrganizationId }))['Rules']);
}

/** The last rule that allowed something is easily taken away. */
async function allBlocked(session: Session): Promise<string> {
  const rules = await rulesOf(session, await session.organizationId());
  if (rules.some(({ Effect }) => Effect === 'ALLOW')) return '';
  return ' No rule allows anything now: every device is blocked that was not allowed by "mailstead device allow".';
}

/** Names a rule that there is: the API deletes one that is not there without a word. */
async function ruleInput(session: Session, id: string): Promise<object> {
  const OrganizationId = await session.organizationId();
  const rules = await rulesOf(session, OrganizationId);
  const isThere = rules.some((rule) => rule['MobileDeviceAccessRuleId'] === id);
  if (isThere) return { OrganizationId, MobileDeviceAccessRuleId: id };
  throw new CliError(
    `There is no rule with the id "${id}". "mailstead device rule list" shows those there are.`,
  );
}

/** Texts are compared from their beginning, without case. */
function withConditions(command: Command): Command {
  command
    .addOption(
      new Option('--effect <what>', 'what becomes of such devices')
        .choices(['allow', 'deny'])
        .makeOptionMandatory(),
    )
    .option('--description <text>', 'why');
  for (const { option, what } of traits) {
    command.option(`--${option} <text...>`, `begins with one of these: ${what}; '$NONE' is not told`);
    command.option(`--not-${option} <text...>`, 'is told, and begins with none of these');
  }
  return command;
}

function ruleOf(Name: string, options: RuleOptions): object {
  for (const { option } of traits) {
    for (const name of [option, `not-${option}`]) {
      const texts = options[camelCase(name)];
      if (Array.isArray(texts) && texts.includes('')) {
        throw new UsageError(
          `--${name} takes a text. Write '$NONE' in quotes, or the shell makes it nothing.`,
        );
      }
    }
  }
  const conditions = traits.flatMap(({ option, member }) => [
    [`${member}s`, options[camelCase(option)]] as const,
    [`Not${member}s`, options[camelCase(`not-${option}`)]] as const,
  ]);
  return {
    Name,
    Effect: String(options['effect']).toUpperCase(),
    ...present([['Description', options['description']], ...conditions]),
  };
}

function present(members: readonly (readonly [name: string, value: unknown])[]): object {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

function camelCase(option: string): string {
  return option.replace(/-(\w)/g, (_dash, letter: string) => letter.toUpperCase());
}

function formatRules({ Rules }: Output): string {
  const rules = recordsOf(Rules);
  if (rules.length === 0) return 'There is no rule: every device is blocked.\n';
  return formatTable(
    ['ID', 'NAME', 'EFFECT', 'FOR'],
    rules.map((one) => [one['MobileDeviceAccessRuleId'], one['Name'], one['Effect'], conditionsOf(one)]),
  );
}

function conditionsOf(rule: Output): string {
  const words = traits.flatMap(({ option, member }) => [
    ...wordsOf(`${option}`, rule[`${member}s`]),
    ...wordsOf(`not ${option}`, rule[`Not${member}s`]),
  ]);
  return words.length === 0 ? 'every device' : words.join('; ');
}

function wordsOf(name: string, texts: unknown): string[] {
  return Array.isArray(texts) ? [`${name} ${texts.join(', ')}`] : [];
}

function formatEffect({ Effect, MatchedRules }: Output): string {
  const names = recordsOf(MatchedRules).map(({ Name }) => Name);
  return formatFields({ Effect, Rules: names.length === 0 ? 'none is for it' : names.join(', ') });
}

function formatOverrides({ Overrides }: Output, names: ReadonlyMap<unknown, unknown>): string {
  return formatTable(
    ['DEVICE', 'USER', 'EFFECT', 'SINCE', 'DESCRIPTION'],
    recordsOf(Overrides).map((one) => [
      one['DeviceId'],
      names.get(one['UserId']) ?? one['UserId'],
      one['Effect'],
      formatTime(one['DateModified']),
      one['Description'],
    ]),
  );
}

function formatSettings({ NotifyAddresses, ...settings }: Output): string {
  const addresses = Array.isArray(NotifyAddresses) ? NotifyAddresses.join(', ') : '';
  return formatFields({ ...settings, NotifyAddresses: addresses || 'the administrator' });
}
