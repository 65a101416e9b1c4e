import type { Directory } from '#directory/directory';
import type { DeviceAccess } from '#domain/device-access';
import type { AccessOverride, DeviceAccessSettings, NewDevices } from '#domain/device-access-store';
import { DomainError } from '#domain/errors';
import { type DeviceId, type MailboxRef, mailboxOf } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, numberOf, organizationOf, requiredText, textOf, textsOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';
import { effectOf, ruleOf, traitsOf, writeRule } from './rule-shape.ts';

interface Parts {
  readonly directory: Directory;
  readonly access: DeviceAccess;
}

/** deviceAccessOperations are the operations on which devices are served: rules, overrides, and what becomes of new ones. */
export function deviceAccessOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  const { access } = parts;
  return {
    'WorkMailService.CreateMobileDeviceAccessRule': (input) => createRule(parts, input),
    'WorkMailService.UpdateMobileDeviceAccessRule': async (input) => {
      const id = requiredText(input, 'MobileDeviceAccessRuleId');
      await access.updateRule(organizationOf(input), id, ruleOf(input));
      return {};
    },
    'WorkMailService.DeleteMobileDeviceAccessRule': async (input) => {
      await access.deleteRule(organizationOf(input), requiredText(input, 'MobileDeviceAccessRuleId'));
      return {};
    },
    'WorkMailService.ListMobileDeviceAccessRules': async (input) => ({
      Rules: (await access.rules(organizationOf(input))).map(writeRule),
    }),
    'WorkMailService.GetMobileDeviceAccessEffect': (input) => getEffect(parts, input),
    'WorkMailService.PutMobileDeviceAccessOverride': (input) => putOverride(parts, input),
    'WorkMailService.GetMobileDeviceAccessOverride': (input) => getOverride(parts, input),
    'WorkMailService.DeleteMobileDeviceAccessOverride': (input) => deleteOverride(parts, input),
    'WorkMailService.ListMobileDeviceAccessOverrides': (input) => listOverrides(parts, input),
    // The same for ids that the WorkMail API has no form for, with dashes or longer than 32.
    'Mailstead.PutMobileDeviceAccessOverride': (input) => putOverride(parts, input),
    'Mailstead.DeleteMobileDeviceAccessOverride': (input) => deleteOverride(parts, input),
    'Mailstead.GetMobileDeviceAccessSettings': (input) => getSettings(parts, input),
    'Mailstead.PutMobileDeviceAccessSettings': (input) => putSettings(parts, input),
  };
}

async function createRule({ access }: Parts, input: AdminInput): Promise<object> {
  const token = textOf(input, 'ClientToken');
  return {
    MobileDeviceAccessRuleId: await access.createRule(organizationOf(input), ruleOf(input), token),
  };
}

async function getEffect({ access }: Parts, input: AdminInput): Promise<object> {
  const { effect, matched } = await access.effect(organizationOf(input), traitsOf(input));
  return {
    Effect: effect,
    MatchedRules: matched.map(({ id, name }) => ({ MobileDeviceAccessRuleId: id, Name: name })),
  };
}

/** Whether the device is known or not: one may be decided on before it comes. */
async function putOverride(parts: Parts, input: AdminInput): Promise<object> {
  const { directory, access } = parts;
  const { state } = await directory.describeUser(organizationOf(input), requiredText(input, 'UserId'));
  if (state !== 'ENABLED') throw new DomainError('entity/state', `The user is ${state}.`);
  const { ref, device } = await deviceOf(parts, input);
  const description = textOf(input, 'Description');
  await access.putOverride(ref, device, { effect: effectOf(input), description });
  return {};
}

async function getOverride(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, device } = await deviceOf(parts, input);
  const override = await parts.access.override(ref, device);
  if (override !== undefined) return writeOverride(override);
  throw new AdminError('ResourceNotFoundException', 'The user has no override for this device.');
}

async function deleteOverride(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, device } = await deviceOf(parts, input);
  await parts.access.deleteOverride(ref, device);
  return {};
}

async function listOverrides(parts: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const user = textOf(input, 'UserId');
  const device = textOf(input, 'DeviceId')?.toLowerCase() as DeviceId | undefined;
  const list = ['overrides', organization, user, device] as const;
  const { after, limit } = pageAsked(input, ...list);
  const mailbox = user === undefined ? undefined : (await userRefOf(parts, input, user)).mailbox;
  const page = await parts.access.listOverrides(organization, { mailbox, device }, after, limit);
  return { Overrides: page.rows.map(writeOverride), NextToken: nextToken(page.next, ...list) };
}

function writeOverride({ ref, device, effect, description, createdMs, modifiedMs }: AccessOverride): object {
  return {
    UserId: ref.mailbox,
    DeviceId: device,
    Effect: effect,
    Description: description,
    DateCreated: timestamp(createdMs),
    DateModified: timestamp(modifiedMs),
  };
}

async function deviceOf(
  parts: Parts,
  input: AdminInput,
): Promise<{ readonly ref: MailboxRef; readonly device: DeviceId }> {
  const ref = await userRefOf(parts, input, requiredText(input, 'UserId'));
  return { ref, device: requiredText(input, 'DeviceId').toLowerCase() as DeviceId };
}

async function userRefOf({ directory }: Parts, input: AdminInput, user: string): Promise<MailboxRef> {
  const organization = organizationOf(input);
  const { id } = await directory.describeUser(organization, user);
  return { organization, mailbox: mailboxOf(id) };
}

async function getSettings({ directory, access }: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  await directory.describeOrganization(organization);
  return writeSettings(await access.settings(organization));
}

async function putSettings({ access }: Parts, input: AdminInput): Promise<object> {
  const newDevices = textOf(input, 'NewDevices') as NewDevices | undefined;
  const maxDevicesPerUser = numberOf(input, 'MaxDevicesPerUser');
  const settings = await access.putSettings(organizationOf(input), {
    ...(newDevices && { newDevices }),
    ...(maxDevicesPerUser !== undefined && { maxDevicesPerUser }),
    notifyAddresses: textsOf(input, 'NotifyAddresses') ?? [],
    isDeviceInformationRequired: flagOf(input, 'RequireDeviceInformation'),
  });
  return writeSettings(settings);
}

function writeSettings(settings: DeviceAccessSettings): object {
  return {
    NewDevices: settings.newDevices,
    MaxDevicesPerUser: settings.maxDevicesPerUser,
    NotifyAddresses: settings.notifyAddresses,
    RequireDeviceInformation: settings.isDeviceInformationRequired,
  };
}
