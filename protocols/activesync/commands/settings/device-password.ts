import type { CommandContext } from '../../command.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, type Element, textOf } from '../../wbxml/element.ts';
import { SettingsStatus } from './status.ts';

/** MS-ASCMD, Password (Settings): at most so many characters. */
const maxPassword = 255;

/** Reads the recovery password of a Set: '' clears it, undefined is none. */
export function readDevicePassword(node: Element): string | undefined {
  return textOf(child(node, Settings.Set), Settings.Password);
}

/** Keeps a recovery password for the administrator, if the policy has one kept; gives the status. */
export async function putDevicePassword(
  password: string | undefined,
  { services, mailbox, device, policy }: CommandContext,
): Promise<number> {
  if (password === undefined) return SettingsStatus.ProtocolError;
  // What nobody may look at later is not taken.
  if (policy.settings.PasswordRecoveryEnabled !== true) return SettingsStatus.DeniedByPolicy;
  if ([...password].length > maxPassword) return SettingsStatus.InvalidArguments;
  await services.devices.putRecoveryPassword(mailbox.ref, device.id, password);
  return SettingsStatus.Success;
}
