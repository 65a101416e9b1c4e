import type { Directory } from '#directory/directory';
import { type MailboxRef, mailboxOf } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { numberOf, organizationOf, requiredText } from '../input.ts';

interface QuotaParts {
  readonly directory: Directory;
  readonly usage: (ref: MailboxRef) => Promise<{ readonly bytes: number }>;
  /** Of mailboxes without a quota of their own. */
  readonly mailboxQuotaBytes: number;
}

const bytesPerMebibyte = 1024 * 1024;

/** quotaOperations are the operations on how full a mailbox is and may be. */
export function quotaOperations(parts: QuotaParts): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.GetMailboxDetails': (input) => getMailboxDetails(parts, input),
    'WorkMailService.UpdateMailboxQuota': (input) => updateMailboxQuota(parts, input),
  };
}

async function getMailboxDetails(parts: QuotaParts, input: AdminInput): Promise<object> {
  const { directory, usage, mailboxQuotaBytes } = parts;
  const organization = organizationOf(input);
  const user = await directory.describeUser(organization, requiredText(input, 'UserId'));
  const { bytes } = await usage({ organization, mailbox: mailboxOf(user.id) });
  return {
    MailboxQuota: user.quotaMebibytes ?? Math.max(1, Math.floor(mailboxQuotaBytes / bytesPerMebibyte)),
    MailboxSize: bytes / bytesPerMebibyte,
  };
}

async function updateMailboxQuota({ directory }: QuotaParts, input: AdminInput): Promise<object> {
  const quota = numberOf(input, 'MailboxQuota') ?? 0;
  await directory.users.updateQuota(organizationOf(input), requiredText(input, 'UserId'), quota);
  return {};
}
