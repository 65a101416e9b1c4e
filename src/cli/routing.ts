import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatTable } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** What of the routing a command changes. */
interface Routing {
  readonly Administrator?: string | undefined;
  readonly CatchAlls: readonly { readonly DomainName: string; readonly EntityId: string }[];
}

interface OffOption {
  readonly off?: boolean;
}

/** addRouting adds `routing show|administrator|catch-all`. */
export function addRouting(program: Command, terminal: Terminal): void {
  const routing = program.command('routing').description('where mail goes that is for nobody');
  withOrganization(routing.command('show'))
    .description('show who reads postmaster@ and abuse@, and the catch-alls')
    .action(async (_options, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      await show(session, OrganizationId, await get(session, OrganizationId));
    });
  withOrganization(routing.command('administrator'))
    .description('choose who reads postmaster@ and abuse@ of every domain, where nobody has them')
    .argument('[user|group]', 'address, name or id')
    .option('--off', 'nobody')
    .action(async (who: string | undefined, options: OffOption, command: Command) => {
      checkChoice(who, options);
      await change(new Session(terminal, command), (before) => ({ ...before, Administrator: who }));
    });
  withOrganization(routing.command('catch-all'))
    .description('choose who gets all mail to a domain that nobody has the address of')
    .argument('<domain>')
    .argument('[user|group]', 'address, name or id')
    .option('--off', 'such mail is refused')
    .action(async (domain: string, who: string | undefined, options: OffOption, command: Command) => {
      checkChoice(who, options);
      const DomainName = domain.toLowerCase();
      await change(new Session(terminal, command), ({ CatchAlls, ...before }) => {
        const others = CatchAlls.filter((one) => one.DomainName !== DomainName);
        const own = who === undefined ? [] : [{ DomainName, EntityId: who }];
        return { ...before, CatchAlls: [...others, ...own] };
      });
    });
}

function checkChoice(who: string | undefined, { off = false }: OffOption): void {
  if ((who === undefined) !== off) throw new UsageError('Name a user or a group, or give --off.');
}

async function change(session: Session, changed: (before: Routing) => Routing): Promise<void> {
  const OrganizationId = await session.organizationId();
  const wanted = changed(await get(session, OrganizationId));
  const input = { OrganizationId, ...wanted };
  await show(
    session,
    OrganizationId,
    routingOf(await session.client.call('Mailstead.PutMailRouting', input)),
  );
}

async function get(session: Session, OrganizationId: string): Promise<Routing> {
  return routingOf(await session.client.call('Mailstead.GetMailRouting', { OrganizationId }));
}

function routingOf({ Administrator, CatchAlls }: Output): Routing {
  return {
    ...(typeof Administrator === 'string' && { Administrator }),
    CatchAlls: recordsOf(CatchAlls).map((one) => ({
      DomainName: String(one['DomainName']),
      EntityId: String(one['EntityId']),
    })),
  };
}

async function show(session: Session, OrganizationId: string, routing: Routing): Promise<void> {
  const { Administrator, CatchAlls } = routing;
  const rows = [
    ...(Administrator === undefined ? [] : [['postmaster@, abuse@', Administrator]]),
    ...CatchAlls.map(({ DomainName, EntityId }) => [`*@${DomainName}`, EntityId]),
  ];
  const named = await Promise.all(
    rows.map(async ([what, id = '']) => [what, await nameOf(session, OrganizationId, id), id]),
  );
  session.show({ ...routing }, () =>
    rows.length === 0 ? 'Mail for nobody is refused.\n' : formatTable(['MAIL TO', 'GOES TO', 'ID'], named),
  );
}

/** The address of a user or group, else its name; one that is gone has neither. */
async function nameOf(session: Session, OrganizationId: string, id: string): Promise<unknown> {
  for (const [operation, input] of [
    ['WorkMailService.DescribeUser', { OrganizationId, UserId: id }],
    ['WorkMailService.DescribeGroup', { OrganizationId, GroupId: id }],
  ] as const) {
    try {
      const found = await session.client.call(operation, input);
      return found['Email'] ?? found['Name'];
    } catch (error) {
      if (!(error instanceof ApiError) || error.type !== 'EntityNotFoundException') throw error;
    }
  }
  return undefined;
}
