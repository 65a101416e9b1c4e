import type { Directory } from '#directory/directory';
import type { QueueId } from '#domain/ids';
import type { OutboundKind, OutboundMail, QueuedRecipient } from '#domain/outbound';
import type { OutboundQueue } from '#domain/outbound-queue';
import type { DueDestination } from '#domain/ports';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, timestamp } from '../input.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';

interface Parts {
  readonly directory: Pick<Directory, 'describeOrganization'>;
  readonly outbound: OutboundQueue;
  /** Tells whoever relays mail what is due. */
  readonly wakeRelay: (due: readonly DueDestination[]) => void;
}

/** queueOperations are the operations on an organisation's mail to other servers. */
export function queueOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.ListQueue': (input) => listQueue(parts, input),
    'Mailstead.DescribeQueuedMessage': async (input) => describe(await mailOf(parts, input)),
    'Mailstead.RetryQueuedMessage': (input) => retryQueuedMessage(parts, input),
    'Mailstead.DeleteQueuedMessage': (input) => deleteQueuedMessage(parts, input),
  };
}

async function listQueue({ directory, outbound }: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const { after, limit } = pageOfIdsAsked<QueueId>(input, 'queue', organization);
  await directory.describeOrganization(organization);
  const page = await outbound.list(organization, after, limit);
  return { Messages: page.rows.map(describe), NextToken: nextToken(page.next, 'queue', organization) };
}

async function retryQueuedMessage({ outbound, wakeRelay }: Parts, input: AdminInput): Promise<object> {
  const mail = await outbound.retry(organizationOf(input), queueIdOf(input));
  wakeRelay([mail]);
  return describe(mail);
}

async function deleteQueuedMessage({ outbound }: Parts, input: AdminInput): Promise<object> {
  await outbound.delete(organizationOf(input), queueIdOf(input));
  return {};
}

function mailOf({ outbound }: Parts, input: AdminInput): Promise<OutboundMail> {
  return outbound.get(organizationOf(input), queueIdOf(input));
}

function queueIdOf(input: AdminInput): QueueId {
  return requiredText(input, 'QueueId') as QueueId;
}

const kinds: Readonly<Record<OutboundKind, string>> = {
  mail: 'MAIL',
  bounce: 'BOUNCE',
  journal: 'JOURNAL',
  'journal-report': 'JOURNAL_REPORT',
};

function describe(mail: OutboundMail): object {
  return {
    QueueId: mail.id,
    AcceptId: mail.acceptId,
    Kind: kinds[mail.kind],
    Sender: mail.reversePath,
    Destination: mail.destination,
    Size: mail.size - mail.skip,
    AcceptedTime: timestamp(mail.acceptedMs),
    NextAttemptTime: timestamp(mail.dueMs),
    Attempts: mail.attempts,
    Recipients: mail.recipients.map(describeRecipient),
  };
}

function describeRecipient({ address, state, last }: QueuedRecipient): object {
  return {
    Address: address,
    State: state.toUpperCase(),
    Status: last?.status,
    LastReply: last?.text,
    Server: last?.remote,
  };
}
