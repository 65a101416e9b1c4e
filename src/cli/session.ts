import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '#config/load';
import { AdminClient, ApiError, type Output } from './admin-client.ts';
import { CliError, type Terminal } from './terminal.ts';

/** The options of every command that talks to the server. */
interface CommonOptions {
  readonly data?: string;
  readonly config?: string;
  readonly org?: string;
  readonly json?: boolean;
}

/** For the names of more users than that, all are listed: it takes fewer calls. */
const maxDescribed = 25;

/** Session is one command's work with the running server. */
export class Session {
  readonly client: AdminClient;
  readonly #options: CommonOptions;
  readonly #terminal: Terminal;
  readonly #address: string | undefined;

  constructor(terminal: Terminal, command: Command) {
    this.#terminal = terminal;
    this.#options = command.optsWithGlobals<CommonOptions>();
    this.#address = addressIn(command);
    this.client = new AdminClient(join(dataDirOf(this.#options, terminal), 'admin.sock'));
  }

  /** Prints the answer in the API's own shape with --json, else as `forPeople` writes it. */
  show(output: Output, forPeople: (output: Output) => string): void {
    this.#terminal.print(this.#options.json ? `${JSON.stringify(output, null, 2)}\n` : forPeople(output));
  }

  /**
   * The id of the organisation chosen by --org, by alias or id, or of the only one that is not deleted; of several, that in whose
   * default domain the address is which the command is about.
   */
  async organizationId(chosen = this.#options.org): Promise<string> {
    if (chosen !== undefined && /^m-[0-9a-f]{32}$/.test(chosen)) return chosen;
    const { OrganizationSummaries } = await this.client.list(
      'WorkMailService.ListOrganizations',
      'OrganizationSummaries',
    );
    const all = recordsOf(OrganizationSummaries);
    const found =
      chosen === undefined
        ? withAddress(
            all.filter(({ State }) => State !== 'Deleted'),
            this.#address,
          )
        : all.filter(({ Alias }) => Alias === chosen.toLowerCase());
    const [only] = found;
    if (only !== undefined && found.length === 1) return String(only['OrganizationId']);
    if (chosen !== undefined) {
      throw new CliError(`There is no organisation "${chosen}". "mailstead org list" shows those there are.`);
    }
    if (found.length === 0)
      throw new CliError('There is no organisation yet. Make one with "mailstead org create ALIAS".');
    throw new CliError(`There are several organisations (${aliases(found)}). Choose one with --org ALIAS.`);
  }

  /**
   * The user of this id, name or address. A disabled user has no address: it is found by the name its address began
   * with.
   */
  user(organizationId: string, who: string): Promise<Output> {
    return found(who, (UserId) =>
      this.client.call('WorkMailService.DescribeUser', { OrganizationId: organizationId, UserId }),
    );
  }

  /**
   * What people call the users of these ids: the address, or the name of one that is disabled; one that is gone is not in it.
   * With --json nobody is looked up.
   */
  async userNames(
    OrganizationId: string,
    userIds: readonly unknown[],
  ): Promise<ReadonlyMap<unknown, unknown>> {
    const ids = this.#options.json ? [] : [...new Set(userIds)];
    const input = { OrganizationId };
    if (ids.length > maxDescribed) {
      const { Users } = await this.client.list('WorkMailService.ListUsers', 'Users', input);
      return new Map(recordsOf(Users).map(({ Id, Email, Name }) => [Id, Email ?? Name]));
    }
    const names = new Map<unknown, unknown>();
    for (const UserId of ids) {
      const user = await this.client
        .call('WorkMailService.DescribeUser', { ...input, UserId })
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
      if (user !== undefined) names.set(UserId, user['Email'] ?? user['Name']);
    }
    return names;
  }

  /** The group of this id, name or address; a disabled one as a user. */
  group(organizationId: string, who: string): Promise<Output> {
    return found(who, (GroupId) =>
      this.client.call('WorkMailService.DescribeGroup', { OrganizationId: organizationId, GroupId }),
    );
  }

  /** The resource of this id, name or address; a disabled one as a user. */
  resource(organizationId: string, who: string): Promise<Output> {
    return found(who, (ResourceId) =>
      this.client.call('WorkMailService.DescribeResource', { OrganizationId: organizationId, ResourceId }),
    );
  }

  /** The user of this id, name or address as operations name one. */
  async owner(who: string): Promise<{ readonly OrganizationId: string; readonly UserId: string }> {
    const OrganizationId = await this.organizationId();
    return { OrganizationId, UserId: await this.userId(OrganizationId, who) };
  }

  /** The id of the user of this id, name or address. */
  async userId(organizationId: string, who: string): Promise<string> {
    return String((await this.user(organizationId, who))['UserId']);
  }
}

async function found(who: string, describe: (who: string) => Promise<Output>): Promise<Output> {
  try {
    return await describe(who);
  } catch (error) {
    if (!isNotFound(error) || !who.includes('@')) throw error;
    const named = await describe(localPartOf(who)).catch((other: unknown) => {
      throw isNotFound(other) ? error : other;
    });
    if (named['Email'] !== undefined && named['Email'] !== null) throw error;
    return named;
  }
}

/** withJson adds the option of commands that print an answer. */
export function withJson(command: Command): Command {
  return command.option('--json', "print the API's own shape");
}

/** withOrganization adds the options of commands within one organisation. */
export function withOrganization(command: Command): Command {
  return withJson(command).option(
    '--org <alias|id>',
    'the organisation; may be left out while there is only one, or for an address in its default domain',
  );
}

/** recordsOf gives the structures of a list member; anything else in it is left out. */
export function recordsOf(list: unknown): Output[] {
  return Array.isArray(list)
    ? list.filter((member): member is Output => typeof member === 'object' && member !== null)
    : [];
}

/** localPartOf gives what stands before an address's at sign; nothing when there is none. */
export function localPartOf(address: string): string {
  return address.slice(0, Math.max(0, address.lastIndexOf('@')));
}

function dataDirOf({ data, config }: CommonOptions, { env, cwd }: Terminal): string {
  const named = data ?? env['MAILSTEAD_DATA'];
  return named === undefined ? loadConfig({ file: config, env, cwd }).dataDir : resolve(cwd, named);
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.type === 'EntityNotFoundException';
}

/** The address of the user, group or resource that a command is about, its first argument. */
function addressIn({ args, parent, registeredArguments: [argument] }: Command): string | undefined {
  const entities = ['user', 'group', 'resource'];
  const name = argument?.name() === 'address' ? parent?.name() : argument?.name();
  const [first] = args;
  return entities.includes(name ?? '') && first?.includes('@') ? first : undefined;
}

/** Those in whose default domain the address is: one at most, as a domain has one owner; all, if there is none. */
function withAddress(organizations: readonly Output[], address: string | undefined): readonly Output[] {
  const domain = address?.slice(address.lastIndexOf('@') + 1).toLowerCase();
  const found = organizations.filter(({ DefaultMailDomain }) => DefaultMailDomain === domain);
  return found.length === 0 ? organizations : found;
}

function aliases(organizations: readonly Output[]): string {
  return organizations.map(({ Alias }) => String(Alias)).join(', ');
}
