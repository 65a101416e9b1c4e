import { classOf } from '#domain/folder';
import type { FolderId, ItemId } from '#domain/ids';
import type { MoveOutcome } from '#domain/mailbox';
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

/** What is to be moved. */
interface Placed {
  readonly source: string;
  readonly item: ItemId;
  readonly from: FolderId;
  readonly to: FolderId;
}

interface MoveResult {
  readonly source: string;
  readonly status: MoveItemsStatus;
  readonly destination?: string | undefined;
}

const statusOf: Record<MoveOutcome, MoveItemsStatus> = {
  moved: MoveItemsStatus.Success,
  'not-found': MoveItemsStatus.InvalidSource,
  'no-destination': MoveItemsStatus.InvalidDestination,
  'same-folder': MoveItemsStatus.SameFolder,
};

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
    // One after the other, as the same item may be moved twice; those that go the same way are moved at once.
    for (let n = 0; n < moves.length; n = results.length) {
      const move = moves[n];
      if (move !== undefined && 'status' in move) results.push(move);
      else results.push(...(await runMoves(ofOneWay(moves.slice(n)), context)));
    }
    return results;
  },
  write: (results) => el(Move.MoveItems, ...results.map(writeResult)),
});

/** What is to be moved, or what that is answered whatever the mailbox holds. */
function readMove(move: Element): Placed | MoveResult {
  const source = textOf(move, Move.SrcMsgId) ?? '';
  if (source === '' || source.length > MAX_ID) throw new CommandError(CommonStatus.InvalidXML, 'no SrcMsgId');
  // MS-ASCMD, Status (MoveItems): more than one DstFldId is 5.
  if (childrenOf(move, Move.DstFldId).length > 1) return { source, status: MoveItemsStatus.Failed };
  const from = parseCollectionId(textOf(move, Move.SrcFldId) ?? '');
  const to = parseCollectionId(textOf(move, Move.DstFldId) ?? '');
  const place = parseServerId(source);
  if (from === undefined || place?.folder !== from) return { source, status: MoveItemsStatus.InvalidSource };
  if (to === undefined) return { source, status: MoveItemsStatus.InvalidDestination };
  return { source, item: place.item, from, to };
}

/** The first of the moves, with those right behind it that go from and to the same folders. */
function ofOneWay(moves: readonly (Placed | MoveResult)[]): readonly Placed[] {
  const same: Placed[] = [];
  for (const move of moves) {
    if ('status' in move || (same[0] !== undefined && !isSameWay(same[0], move))) break;
    same.push(move);
  }
  return same;
}

function isSameWay(a: Placed, b: Placed): boolean {
  return a.from === b.from && a.to === b.to;
}

/** Moves that go from and to the same folders. */
async function runMoves(
  moves: readonly Placed[],
  { mailbox, device }: CommandContext,
): Promise<readonly MoveResult[]> {
  const [first] = moves;
  if (first === undefined) return [];
  const { from, to } = first;
  const folders = await Promise.all([from, to].map((id) => mailbox.reader.folder(id)));
  const classes = folders.flatMap((folder) => (folder === undefined ? [] : [classOf(folder.type)]));
  if (new Set(classes).size > 1) {
    return moves.map(({ source }) => ({ source, status: MoveItemsStatus.InvalidDestination }));
  }
  const ids = moves.map(({ item }) => item);
  const outcomes = await mailbox.moveItems(ids, from, to, device.id);
  return moves.map(({ source, item }, n) => {
    const outcome = outcomes[n] ?? 'not-found';
    const destination = outcome === 'moved' ? serverIdOf(to, item) : undefined;
    return { source, status: statusOf[outcome], destination };
  });
}

function writeResult({ source, status, destination }: MoveResult): Element {
  return el(
    Move.Response,
    el(Move.SrcMsgId, source),
    el(Move.Status, status),
    destination === undefined ? undefined : el(Move.DstMsgId, destination),
  );
}
