import type { Directory } from '#directory/directory';
import type { Device } from '#domain/device';
import type { DeviceAccess } from '#domain/device-access';
import type { DeviceTraces } from '#domain/device-trace';
import type { Devices, OwnedDevice } from '#domain/devices';
import { type DeviceId, type MailboxRef, mailboxOf } from '#domain/ids';
import type { EffectivePolicy, Policies } from '#domain/policy';
import { admission } from '#domain/provisioning';
import type { SyncDiary } from '#domain/sync-diary';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';
import { describeRequests } from './recent-requests.ts';

interface Parts {
  readonly directory: Directory;
  readonly devices: Devices;
  readonly policies: Policies;
  readonly access: Pick<DeviceAccess, 'judge'>;
  readonly diary: Pick<SyncDiary, 'recent' | 'forget'>;
  readonly traces: Pick<DeviceTraces, 'forget'>;
}

/** deviceOperations are the operations on the mobile devices of an organisation. */
export function deviceOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.ListMobileDevices': (input) => listMobileDevices(parts, input),
    'Mailstead.DescribeMobileDevice': (input) => describeMobileDevice(parts, input),
    'Mailstead.DeleteMobileDevice': (input) => deleteMobileDevice(parts, input),
    'Mailstead.WipeMobileDevice': (input) => wipeMobileDevice(parts, input),
    'Mailstead.CancelWipeMobileDevice': (input) => cancelWipeMobileDevice(parts, input),
  };
}

async function listMobileDevices(parts: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const user = textOf(input, 'UserId');
  const { after, limit } = pageAsked(input, 'devices', organization, user);
  const ref = user === undefined ? undefined : await mailboxRefOf(parts, input, user);
  if (ref === undefined) await parts.directory.describeOrganization(organization);
  const page =
    ref === undefined
      ? await parts.devices.listAll(organization, after, limit)
      : await devicesOf(parts, ref, after, limit);
  return {
    Devices: await Promise.all(page.rows.map((owned) => describe(parts, owned))),
    NextToken: nextToken(page.next, 'devices', organization, user),
  };
}

async function devicesOf(
  { devices }: Parts,
  ref: MailboxRef,
  after: string | undefined,
  limit: number,
): Promise<{ readonly rows: readonly OwnedDevice[]; readonly next: string | undefined }> {
  const all = [...(await devices.list(ref))].sort((a, b) => (a.id < b.id ? -1 : 1));
  const rest = all.filter(({ id }) => after === undefined || id > after);
  const rows = rest.slice(0, limit).map((device) => ({ ref, device }));
  return { rows, next: rest.length > limit ? rows.at(-1)?.device.id : undefined };
}

async function describeMobileDevice(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  const device = await describe(parts, { ref, device: await parts.devices.get(ref, id) });
  return { ...device, RecentRequests: describeRequests(await parts.diary.recent(ref, id)) };
}

async function deleteMobileDevice(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  await parts.devices.remove(ref, id, { evenUnwiped: flagOf(input, 'Force') });
  await parts.diary.forget(ref, id);
  await parts.traces.forget(ref, id);
  return {};
}

async function wipeMobileDevice(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  const device = await parts.devices.requestWipe(ref, id, flagOf(input, 'AccountOnly'));
  return { Status: statusOf(device, await parts.policies.effective(ref)) };
}

async function cancelWipeMobileDevice(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  const device = await parts.devices.cancelWipe(ref, id);
  return { Status: statusOf(device, await parts.policies.effective(ref)) };
}

async function deviceOf(
  parts: Parts,
  input: AdminInput,
): Promise<{ readonly ref: MailboxRef; readonly id: DeviceId }> {
  const ref = await mailboxRefOf(parts, input, requiredText(input, 'UserId'));
  return { ref, id: requiredText(input, 'DeviceId').toLowerCase() as DeviceId };
}

/** Also of a user who is disabled: what is lost is wiped first. Throws entity/not-found. */
async function mailboxRefOf({ directory }: Parts, input: AdminInput, user: string): Promise<MailboxRef> {
  const organization = organizationOf(input);
  const { id } = await directory.describeUser(organization, user);
  return { organization, mailbox: mailboxOf(id) };
}

async function describe(parts: Parts, { ref, device }: OwnedDevice): Promise<object> {
  const { information } = device;
  const policy = await parts.policies.effective(ref);
  return {
    DeviceId: device.id,
    UserId: ref.mailbox,
    DeviceType: device.type,
    Model: told(information.model),
    FriendlyName: told(information.friendlyName),
    OperatingSystem: told(information.operatingSystem),
    UserAgent: told(device.userAgent) ?? told(information.userAgent),
    ProtocolVersion: device.protocolVersion,
    PhoneNumber: told(information.phoneNumber),
    Imei: told(information.imei),
    MobileOperator: told(information.mobileOperator),
    Language: told(information.language),
    Status: statusOf(device, policy),
    ...(await accessOf(parts, { ref, device })),
    FirstSyncTime: timestamp(device.firstSyncMs),
    LastSyncTime: timestamp(device.lastSyncMs),
    PolicyRevision: revisionOf(device, policy),
    ...wipeOf(device),
  };
}

/** A device that is to be wiped hears of nothing else. */
async function accessOf({ access }: Parts, { ref, device }: OwnedDevice): Promise<object> {
  if (device.wipe !== 'none') return { AccessState: 'BLOCKED', AccessReason: 'WIPE' };
  const { state, reason, rules } = await access.judge(ref, device);
  return {
    AccessState: state,
    AccessReason: reason,
    ...(rules.length > 0 && { AccessRules: rules }),
  };
}

function wipeOf(device: Device): object {
  if (device.wipe === 'none') return {};
  return {
    WipeState: device.wipe.toUpperCase(),
    WipeAccountOnly: device.wipeAccountOnly,
    WipeRequestedTime: timestamp(device.wipeRequestedMs),
    WipeSentTime: timestamp(device.wipeSentMs),
    WipeAcknowledgedTime: timestamp(device.wipeAcknowledgedMs),
  };
}

/** A device clears what it told by an empty value. */
function told(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function statusOf(device: Device, policy: EffectivePolicy): string {
  if (device.wipe === 'acknowledged') return 'WIPE_SUCCEEDED';
  if (device.wipe !== 'none') return 'WIPE_REQUIRED';
  const isServed = admission(device, policy, device.policyKey) === undefined;
  return isServed ? 'PROVISIONING_SUCCEEDED' : 'PROVISIONING_REQUIRED';
}

/**
 * The revision of the policy it acknowledged, which may be its user's, a group's or the organisation's. That of several groups
 * is the highest of theirs; one that counts no more has no number.
 */
function revisionOf({ policyRevision }: Device, policy: EffectivePolicy): number | undefined {
  if (policyRevision === policy.revision) return policy.number;
  const number = policyRevision?.slice(policyRevision.lastIndexOf(':') + 1) ?? '';
  return /^\d{1,15}$/.test(number) ? Number(number) : undefined;
}
