import { moveConversation, takesConversations } from '#domain/conversation-moves';
import { recipientCacheFolder } from '#domain/recipient-cache';
import type { CommandContext } from '../../command.ts';
import { parseCollectionId } from '../../ids.ts';
import { CommonStatus } from '../../status.ts';
import type { Operation } from './read.ts';
import { ItemOperationsStatus, OperationError } from './status.ts';

/** MS-ASCMD, ConversationId: so many bytes. */
const conversationIdBytes = 16;

/** Moves a conversation, and what comes to it from now on; gives no properties. Throws OperationError, DomainError. */
export async function moveAlways(
  { conversationId, destination, always }: Operation & { readonly kind: 'move' },
  { mailbox }: CommandContext,
): Promise<readonly []> {
  const { ProtocolError, NotFound } = ItemOperationsStatus;
  if (destination === undefined) throw new OperationError(ProtocolError, 'no DstFldId');
  if (!always) {
    const { MoveCommandDisallowedForNonPersistentMoveAction: disallowed } = CommonStatus;
    throw new OperationError(disallowed, 'without MoveAlways');
  }
  const id = parseCollectionId(destination);
  if (id === recipientCacheFolder) {
    throw new OperationError(CommonStatus.InvalidCombinationOfIDs, 'the recipient cache takes nothing');
  }
  const folder = id && (await mailbox.reader.folder(id));
  if (folder === undefined) throw new OperationError(NotFound, 'no such folder');
  if (!takesConversations(folder.type)) {
    throw new OperationError(CommonStatus.MoveCommandInvalidDestinationFolder, 'no folder for mail');
  }
  if (conversationId.length !== conversationIdBytes) {
    throw new OperationError(NotFound, 'no such conversation');
  }
  await moveConversation(mailbox, conversationId, folder.id);
  return [];
}
