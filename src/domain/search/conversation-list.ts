import { comparePositions } from '../change.ts';
import { DomainError } from '../errors.ts';
import type { MailboxReader } from '../ports.ts';
import type { FolderPlace } from './merged-list.ts';
import { conversationOf, type MailQuery } from './query.ts';

/**
 * The messages of the conversation that a query asks for, in its folders, newest first. Undefined if it asks for none, or as long as
 * what an older version stored is not listed by conversation.
 */
export async function conversationPlaces(
  reader: MailboxReader,
  { folders, condition }: MailQuery,
): Promise<readonly FolderPlace[] | undefined> {
  const id = conversationOf(condition);
  if (id === undefined) return undefined;
  const wanted = new Set(folders);
  try {
    const places = await reader.conversation(Buffer.from(id, 'hex'));
    return places.filter(({ folder }) => wanted.has(folder)).sort(comparePositions);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'server/busy') return undefined;
    throw error;
  }
}
