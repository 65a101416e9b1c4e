import type { Position } from '../change.ts';
import type { FolderId, ItemId } from '../ids.ts';
import type { Mailbox } from '../mailbox.ts';
import type { MailQuery } from './query.ts';

/** A message that matches, and where it was when it was found. */
export interface FoundMail {
  readonly folder: FolderId;
  readonly item: ItemId;
}

/** What a search has done in a moment: what it found, newest first, and how far it is. */
export interface SearchStep {
  readonly matches: readonly FoundMail[];
  /** Whatever stands before this place in the lists of the folders has been looked at. */
  readonly reached: Position;
}

/**
 * Finds what matches in the folders of a query, newest first, from a place on (`listStart`, or the one a step has reached). A step is
 * some milliseconds of work, whatever it finds, so that whoever asks can give others their turn, or stop, between two of them. It ends
 * when everything has been looked at. What cannot be read does not match. What comes or goes meanwhile may be found or not.
 */
export type MailFinder = (mailbox: Mailbox, query: MailQuery, from: Position) => AsyncIterable<SearchStep>;
