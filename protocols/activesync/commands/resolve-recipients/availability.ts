import type { AddressBookEntry } from '#directory/address-book-entry';
import { DomainError } from '#domain/errors';
import type { CommandContext } from '../../command.ts';
import { CommonStatus } from '../../status.ts';
import type { ResolveRecipientsRequest } from './read.ts';

/** MS-ASCMD, Status (Availability): 161 beyond it. */
const MAX_MEMBERS = 20;
/** MS-ASCMD, MergedFreeBusy: nothing is known. */
const NO_DATA = '4';

/** When a recipient is free and busy, as an answer tells of it. */
export interface AvailabilityAnswer {
  readonly status: 1 | CommonStatus;
  /** A digit for each half hour; with Status 1 alone. */
  readonly mergedFreeBusy: string | undefined;
}

/** availabilityOf tells when a recipient, or who is in a group, is free and busy; undefined when it was not asked for. */
export async function availabilityOf(
  entry: AddressBookEntry,
  { availabilitySlots: slots, isTooManyForAvailability }: ResolveRecipientsRequest,
  context: CommandContext,
): Promise<AvailabilityAnswer | undefined> {
  if (slots === undefined) return undefined;
  if (isTooManyForAvailability) return failure(CommonStatus.AvailabilityTooManyRecipients);
  if (entry.kind === 'group' && !(await isSmall(entry, context))) {
    return failure(CommonStatus.AvailabilityDLLimitReached);
  }
  return { status: 1, mergedFreeBusy: NO_DATA.repeat(slots) };
}

async function isSmall({ id }: AddressBookEntry, { services, account }: CommandContext): Promise<boolean> {
  try {
    await services.people.membersOf(account.organization, id, MAX_MEMBERS);
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'group/too-large') return false;
    throw error;
  }
}

function failure(status: CommonStatus): AvailabilityAnswer {
  return { status, mergedFreeBusy: undefined };
}
