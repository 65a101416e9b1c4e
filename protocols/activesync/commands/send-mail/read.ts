import { CommandError } from '../../command-error.ts';
import { isAtLeast } from '../../protocol-version.ts';
import type { RequestLine } from '../../request-line.ts';
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
export function readComposed(body: Element, line: RequestLine): ComposedMail {
  const clientId = readClientId(body);
  const mime = bytesOf(body, ComposeMail.Mime);
  if (mime === undefined) throw new CommandError(CommonStatus.InvalidXML, 'no Mime');
  refuseAccountId(body, line);
  refuseTemplate(body, line);
  return { clientId, saveInSent: has(body, ComposeMail.SaveInSentItems), mime };
}

/**
 * MS-ASCMD, AccountId (SendMail): one that UserInformation names, and it names none. The first account has no AccountId, so an
 * empty one is it. Below 14.1 there are no accounts. Throws CommandError.
 */
export function refuseAccountId(body: Element, line: RequestLine): void {
  if ((textOf(body, ComposeMail.AccountId) ?? '') === '') return;
  throw since141(line, CommonStatus.InvalidAccountId, 'there is one account only');
}

/** MS-ASRM, TemplateID (SendMail): rights management is off. */
function refuseTemplate(body: Element, line: RequestLine): void {
  if (!has(body, RightsManagement.TemplateID)) return;
  throw since141(line, CommonStatus.IRM_FeatureDisabled, 'rights management is off');
}

/** A status of 14.1; before, the element that it is about makes the body invalid. */
function since141({ protocolVersion }: RequestLine, status: number, reason: string): CommandError {
  return isAtLeast(protocolVersion, '14.1')
    ? new CommandError(status, reason)
    : new CommandError(CommonStatus.InvalidXML, `an element of 14.1: ${reason}`);
}
