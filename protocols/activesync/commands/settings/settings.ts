import type { DeviceInformation } from '#domain/device';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { RightsManagement } from '../../wbxml/code-pages/rights-management.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, type Element, el, has } from '../../wbxml/element.ts';
import { readDeviceInformation } from './device-information.ts';
import { putDevicePassword, readDevicePassword } from './device-password.ts';
import { type OofRequest, readOof, runOof } from './oof.ts';
import { SettingsStatus } from './status.ts';

/** A property node as it was asked for. */
type PropertyRequest =
  | { readonly kind: 'device-information'; readonly told: DeviceInformation }
  | { readonly kind: 'user-information' }
  | { readonly kind: 'device-password'; readonly password: string | undefined }
  | { readonly kind: 'oof'; readonly request: OofRequest }
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
  read: (body, { protocolVersion }) => {
    const nodes = body.children.filter(({ tag }) => properties.has(tag));
    if (nodes.length === 0) throw new CommandError(SettingsStatus.ProtocolError, 'no property node');
    if (nodes.length > maxNodes) throw new CommandError(SettingsStatus.ProtocolError, 'too many nodes');
    return nodes.map((node) => readProperty(node, protocolVersion));
  },
  run: async (requests, context) => {
    const answers: Element[] = [];
    for (const property of requests) answers.push(await runProperty(property, context));
    return answers;
  },
  write: (answers) => el(Settings.Settings, el(Settings.Status, SettingsStatus.Success), ...answers),
});

/** There are five kinds of them, and no reason to name one twice: a request costs a bounded number of commits. */
const maxNodes = 20;

/** The nodes that there are; anything else in the document is passed over. */
const properties: ReadonlySet<Tag> = new Set([
  Settings.DeviceInformation,
  Settings.UserInformation,
  Settings.DevicePassword,
  Settings.RightsManagementInformation,
  Settings.Oof,
]);

function readProperty(node: Element, version: ProtocolVersion): PropertyRequest {
  const { tag } = node;
  const set = child(node, Settings.Set);
  const [isGet, isSet] = [has(node, Settings.Get), set !== undefined];
  if (tag === Settings.RightsManagementInformation && !isAtLeast(version, '14.1')) {
    // MS-ASRM, Abstract Data Model: before 14.1 its elements make a body invalid.
    throw new CommandError(CommonStatus.InvalidXML, 'rights management below 14.1');
  }
  if (tag === Settings.Oof) return { kind: 'oof', request: readOof(node) };
  if (isGet === isSet) return { kind: 'refused', tag };
  if (tag === Settings.DeviceInformation && set !== undefined) {
    return { kind: 'device-information', told: readDeviceInformation(set, version) };
  }
  if (tag === Settings.DevicePassword && isSet) {
    return { kind: 'device-password', password: readDevicePassword(node) };
  }
  if (tag === Settings.UserInformation && isGet) return { kind: 'user-information' };
  if (tag === Settings.RightsManagementInformation && isGet) return { kind: 'rights-management' };
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
      return withStatus(Settings.DevicePassword, await putDevicePassword(property.password, context));
    case 'oof':
      return await runOof(property.request, context);
    case 'rights-management':
      return writeRightsManagement();
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

/** MS-ASRM, RightsManagementInformation: it is switched off here. */
function writeRightsManagement(): Element {
  const { RightsManagementInformation, Status, Get } = Settings;
  return el(
    RightsManagementInformation,
    el(Status, CommonStatus.IRM_FeatureDisabled),
    el(Get, el(RightsManagement.RightsManagementTemplates)),
  );
}

function withStatus(tag: Tag, status: number): Element {
  return el(tag, el(Settings.Status, status));
}
