import { DomainError } from '#domain/errors';
import { classOf } from '#domain/folder';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { parseCollectionId, parseServerId, serverIdOf } from '../../ids.ts';
import { CommonStatus } from '../../status.ts';
import { Move } from '../../wbxml/code-pages/move.ts';
import { childrenOf, type Element, el, textOf } from '../../wbxml/element.ts';
import { MoveItemsStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const MAX_MOVES = 1000;
/** Of a SrcMsgId we repeat. */
const MAX_ID = 64;

interface MoveRequest {
  readonly item: string;
  readonly from: string;
  readonly to: string;
  /** There is more than one DstFldId. */
  readonly isSplit: boolean;
}

interface MoveResult {
  readonly source: string;
  readonly status: MoveItemsStatus;
  readonly destination?: string;
}

/** MoveItems: moves items between folders, and answers each move on its own (MS-ASCMD, MoveItems). */
export const moveItems = defineCommand({
  name: 'MoveItems',
  code: 13,
  quarantine: 'served',
  read: (body) => {
    const moves = childrenOf(body, Move.Move).map(readMove);
    if (moves.length === 0) throw new CommandError(CommonStatus.InvalidXML, 'no Move');
    if (moves.length > MAX_MOVES) throw new CommandError(CommonStatus.InvalidXML, 'too many Moves');
    return moves;
  },
  run: async (moves, context) => {
    const results: MoveResult[] = [];
    // One after the other: the same item may be moved twice.
    for (const move of moves) results.push(await runMove(move, context));
    return results;
  },
  write: (results) => el(Move.MoveItems, ...results.map(writeResult)),
});

function readMove(move: Element): MoveRequest {
  const item = textOf(move, Move.SrcMsgId) ?? '';
  if (item === '' || item.length > MAX_ID) throw new CommandError(CommonStatus.InvalidXML, 'no SrcMsgId');
  const isSplit = childrenOf(move, Move.DstFldId).length > 1;
  return { item, from: textOf(move, Move.SrcFldId) ?? '', to: textOf(move, Move.DstFldId) ?? '', isSplit };
}

async function runMove(move: MoveRequest, { mailbox, device }: CommandContext): Promise<MoveResult> {
  const source = move.item;
  // MS-ASCMD, Status (MoveItems): more than one DstFldId is 5.
  if (move.isSplit) return { source, status: MoveItemsStatus.Failed };
  const from = parseCollectionId(move.from);
  const to = parseCollectionId(move.to);
  const place = parseServerId(move.item);
  if (from === undefined || place?.folder !== from) return { source, status: MoveItemsStatus.InvalidSource };
  if (to === undefined) return { source, status: MoveItemsStatus.InvalidDestination };
  try {
    const destination = await mailbox.folder(to);
    const folder = await mailbox.reader.folder(from);
    if (folder === undefined) return { source, status: MoveItemsStatus.InvalidSource };
    if (classOf(folder.type) !== classOf(destination.type)) {
      return { source, status: MoveItemsStatus.InvalidDestination };
    }
    await mailbox.moveItem(place.item, from, to, device.id);
    return { source, status: MoveItemsStatus.Success, destination: serverIdOf(to, place.item) };
  } catch (error) {
    return { source, status: statusFor(error) };
  }
}

function statusFor(error: unknown): MoveItemsStatus {
  if (!(error instanceof DomainError)) throw error;
  switch (error.code) {
    case 'item/not-found':
      return MoveItemsStatus.InvalidSource;
    case 'folder/not-found':
      return MoveItemsStatus.InvalidDestination;
    case 'item/same-folder':
      return MoveItemsStatus.SameFolder;
    default:
      return MoveItemsStatus.Failed;
  }
}

function writeResult({ source, status, destination }: MoveResult): Element {
  return el(
    Move.Response,
    el(Move.SrcMsgId, source),
    el(Move.Status, status),
    destination === undefined ? undefined : el(Move.DstMsgId, destination),
  );
}
