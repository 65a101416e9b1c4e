import type { DeviceInformation } from '#domain/device';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { RightsManagement } from '../../wbxml/code-pages/rights-management.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, type Element, el, has, textOf } from '../../wbxml/element.ts';
import { readDeviceInformation } from './device-information.ts';
import { SettingsStatus } from './status.ts';

/** MS-ASCMD, Password (Settings): at most so many characters. */
const MAX_PASSWORD = 255;

/** A property node as it was asked for. */
type PropertyRequest =
  | { readonly kind: 'device-information'; readonly told: DeviceInformation }
  | { readonly kind: 'user-information' }
  | { readonly kind: 'device-password'; readonly tooLong: boolean }
  | { readonly kind: 'rights-management' }
  /** What it is answered with is a status alone. */
  | { readonly kind: 'refused'; readonly tag: Tag };

/** Settings: property nodes, each done and answered on its own, in their order (MS-ASCMD, Settings). */
export const settings = defineCommand({
  name: 'Settings',
  code: 17,
  since: '12.0',
  tells: (requests: readonly PropertyRequest[]) =>
    requests.every(({ kind }) => kind === 'device-information'),
  read: (body) => {
    const nodes = body.children.filter(({ tag }) => properties.has(tag));
    if (nodes.length === 0) throw new CommandError(SettingsStatus.ProtocolError, 'no property node');
    return nodes.map(readProperty);
  },
  run: async (requests, context) => {
    const answers: Element[] = [];
    for (const property of requests) answers.push(await runProperty(property, context));
    return answers;
  },
  write: (answers) => el(Settings.Settings, el(Settings.Status, SettingsStatus.Success), ...answers),
});

/** The nodes that there are; anything else in the document is passed over. */
const properties: ReadonlySet<Tag> = new Set([
  Settings.DeviceInformation,
  Settings.UserInformation,
  Settings.DevicePassword,
  Settings.RightsManagementInformation,
  Settings.Oof,
]);

function readProperty(node: Element): PropertyRequest {
  const { tag } = node;
  if (tag === Settings.DeviceInformation && has(node, Settings.Set)) {
    return { kind: 'device-information', told: readDeviceInformation(node) };
  }
  if (tag === Settings.UserInformation && has(node, Settings.Get)) return { kind: 'user-information' };
  if (tag === Settings.DevicePassword && has(node, Settings.Set)) {
    const password = textOf(child(node, Settings.Set), Settings.Password) ?? '';
    return { kind: 'device-password', tooLong: password.length > MAX_PASSWORD };
  }
  if (tag === Settings.RightsManagementInformation && has(node, Settings.Get))
    return { kind: 'rights-management' };
  // Oof is among these: automatic replies are not kept here, and saying so is better than taking and losing them.
  return { kind: 'refused', tag };
}

async function runProperty(property: PropertyRequest, context: CommandContext): Promise<Element> {
  switch (property.kind) {
    case 'device-information':
      await context.services.devices.inform(context.mailbox.ref, context.device.id, property.told);
      return withStatus(Settings.DeviceInformation, SettingsStatus.Success);
    case 'user-information':
      return writeUserInformation(context);
    case 'device-password':
      // A recovery password that we would lose must not be taken.
      return withStatus(
        Settings.DevicePassword,
        property.tooLong ? SettingsStatus.InvalidArguments : SettingsStatus.DeniedByPolicy,
      );
    case 'rights-management':
      return writeRightsManagement(context.version);
    case 'refused':
      return withStatus(property.tag, SettingsStatus.ProtocolError);
  }
}

/** The addresses to send from; from 14.1 on by account, of which the first has no AccountId. */
function writeUserInformation({ account, version }: CommandContext): Element {
  const { UserInformation, Status, Get, EmailAddresses, SMTPAddress, PrimarySmtpAddress, Accounts } =
    Settings;
  const has141 = isAtLeast(version, '14.1');
  const addresses = el(
    EmailAddresses,
    ...account.addresses.map((address) => el(SMTPAddress, address)),
    has141 ? el(PrimarySmtpAddress, account.address) : undefined,
  );
  const told = has141
    ? el(Accounts, el(Settings.Account, el(Settings.UserDisplayName, account.displayName), addresses))
    : addresses;
  return el(UserInformation, el(Status, SettingsStatus.Success), el(Get, told));
}

/** MS-ASRM, RightsManagementInformation: known from 14.1 on, and switched off here. */
function writeRightsManagement(version: ProtocolVersion): Element {
  const { RightsManagementInformation, Status, Get } = Settings;
  if (!isAtLeast(version, '14.1'))
    return withStatus(RightsManagementInformation, SettingsStatus.ProtocolError);
  return el(
    RightsManagementInformation,
    el(Status, CommonStatus.IRM_FeatureDisabled),
    el(Get, el(RightsManagement.RightsManagementTemplates)),
  );
}

function withStatus(tag: Tag, status: number): Element {
  return el(tag, el(Settings.Status, status));
}
