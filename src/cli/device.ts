import type { Command } from 'commander';
import { ApiError, type Output } from './admin-client.ts';
import { addDeviceAccess } from './device-access.ts';
import { addDeviceInsight, formatRequests } from './device-insight.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { CliError, type Terminal } from './terminal.ts';

/** addDevice adds `device list|show|wipe|remove`, what decides which are served, and what they did. */
export function addDevice(program: Command, terminal: Terminal): void {
  const device = program.command('device').description('phones and other mobile devices');
  withOrganization(device.command('list'))
    .description('list the devices')
    .option('--user <user>', 'only those of this user')
    .action(async ({ user }: { user?: string }, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const owner = user === undefined ? {} : { UserId: await session.userId(OrganizationId, user) };
      const input = { OrganizationId, ...owner };
      const output = await session.client.list('Mailstead.ListMobileDevices', 'Devices', input);
      const names = await session.userNames(
        OrganizationId,
        recordsOf(output['Devices']).map(({ UserId }) => UserId),
      );
      session.show(output, (all) => formatDevices(all, names));
    });
  withOrganization(device.command('show'))
    .description('show a device')
    .argument('<user>', 'address, name or id')
    .argument('<device>', "the device's id")
    .action(async (user: string, device: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = await inputOf(session, user, device);
      session.show(await session.client.call('Mailstead.DescribeMobileDevice', input), formatDevice);
    });
  withOrganization(device.command('wipe'))
    .description('erase a device at its next contact')
    .argument('<user>', 'address, name or id')
    .argument('<device>', "the device's id")
    .option('--account-only', 'erase only what belongs to this account (devices that speak 16.1)')
    .option('--cancel', 'take the wipe back, while it was not sent yet')
    .action(async (user: string, device: string, options: WipeOptions, command: Command) => {
      const session = new Session(terminal, command);
      const OrganizationId = await session.organizationId();
      const { UserId, State } = await session.user(OrganizationId, user);
      const input = { OrganizationId, UserId, DeviceId: device };
      const output = options.cancel
        ? await cancelWipe(session, user, device, input)
        : await session.client.call('Mailstead.WipeMobileDevice', {
            ...input,
            AccountOnly: options.accountOnly === true,
          });
      const hint = options.cancel === true ? '' : unheard(user, State);
      session.show(output, (fields) => formatFields(fields) + hint);
    });
  withOrganization(device.command('remove'))
    .description('remove a device from the list; it comes back when its user sets it up again')
    .argument('<user>', 'address, name or id')
    .argument('<device>', "the device's id")
    .option('--force', 'also one that is still to be wiped: it never will be')
    .action(async (user: string, device: string, { force }: { force?: boolean }, command: Command) => {
      const session = new Session(terminal, command);
      const input = await inputOf(session, user, device);
      const output = await remove(session, device, force === true ? { ...input, Force: true } : input);
      session.show(output, () => `${device} is removed.\n`);
    });
  addDeviceAccess(device, terminal);
  addDeviceInsight(device, terminal);
}

/** Its requests are refused before it is asked which device it is. */
function unheard(user: string, state: unknown): string {
  if (state !== 'DISABLED' && state !== 'DELETED') return '';
  const remedy = state === 'DISABLED' ? ' It is wiped when "mailstead user enable" lets it in again.' : '';
  return `\n${user} is ${state.toLowerCase()}: the device cannot sign in, and does not hear of it.${remedy}\n`;
}

interface WipeOptions {
  readonly accountOnly?: boolean;
  readonly cancel?: boolean;
}

async function cancelWipe(session: Session, user: string, device: string, input: object): Promise<Output> {
  try {
    return await session.client.call('Mailstead.CancelWipeMobileDevice', input);
  } catch (error) {
    if (!isRefusedBy(error, 'EntityStateException')) throw error;
    throw new CliError(`${error.message} "mailstead device show ${user} ${device}" tells how far it is.`);
  }
}

function isRefusedBy(error: unknown, type: string): error is ApiError {
  return error instanceof ApiError && error.type === type;
}

/** With its entry its wipe would be forgotten, and whoever has the device would get everything again. */
async function remove(session: Session, device: string, input: object): Promise<Output> {
  try {
    return await session.client.call('Mailstead.DeleteMobileDevice', input);
  } catch (error) {
    if (!isRefusedBy(error, 'EntityStateException')) throw error;
    throw new CliError(
      `${device} is not wiped yet: removed, it never will be, and it is served again when it comes back. Wait for WIPE_SUCCEEDED, or give --force.`,
    );
  }
}

async function inputOf(session: Session, user: string, DeviceId: string): Promise<object> {
  const OrganizationId = await session.organizationId();
  return { OrganizationId, UserId: await session.userId(OrganizationId, user), DeviceId };
}

function formatDevices({ Devices }: Output, names: ReadonlyMap<unknown, unknown>): string {
  return formatTable(
    ['DEVICE', 'USER', 'TYPE', 'MODEL', 'VERSION', 'ACCESS', 'STATUS', 'LAST SYNC'],
    recordsOf(Devices).map((one) => [
      one['DeviceId'],
      names.get(one['UserId']) ?? one['UserId'],
      one['DeviceType'],
      one['Model'] ?? one['FriendlyName'],
      one['ProtocolVersion'],
      one['AccessState'],
      one['Status'],
      formatTime(one['LastSyncTime']),
    ]),
  );
}

function formatDevice({ RecentRequests, ...output }: Output): string {
  const fields = Object.entries(output).map(([member, value]) => [
    member,
    member.endsWith('Time') ? formatTime(value) || undefined : value,
  ]);
  return formatFields(Object.fromEntries(fields)) + formatRequests(RecentRequests);
}
