import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';
import { ComposeMail } from '../../wbxml/code-pages/compose-mail.ts';
import { RightsManagement } from '../../wbxml/code-pages/rights-management.ts';
import { bytesOf, type Element, has, textOf } from '../../wbxml/element.ts';

/** MS-ASCMD, ClientId (SendMail), in characters. */
const MAX_CLIENT_ID = 40;

/** What SendMail, SmartReply and SmartForward have in common. */
export interface ComposedMail {
  /** None below 14.0. */
  readonly clientId: string | undefined;
  readonly saveInSent: boolean;
  readonly mime: Uint8Array;
}

/** Reads a ClientId. Throws CommandError. */
export function readClientId(body: Element): string {
  const clientId = textOf(body, ComposeMail.ClientId) ?? '';
  if (clientId === '' || clientId.length > MAX_CLIENT_ID) {
    throw new CommandError(CommonStatus.InvalidXML, 'no ClientId, or too long');
  }
  return clientId;
}

/** Reads a message to be sent, from 14.0 on. Throws CommandError. */
export function readComposed(body: Element): ComposedMail {
  const clientId = readClientId(body);
  const mime = bytesOf(body, ComposeMail.Mime);
  if (mime === undefined) throw new CommandError(CommonStatus.InvalidXML, 'no Mime');
  if ((textOf(body, ComposeMail.AccountId) ?? '') !== '') {
    throw new CommandError(CommonStatus.InvalidAccountId, 'there is one account only');
  }
  if (has(body, RightsManagement.TemplateID)) {
    throw new CommandError(CommonStatus.IRM_FeatureDisabled, 'rights management is off');
  }
  return { clientId, saveInSent: has(body, ComposeMail.SaveInSentItems), mime };
}
