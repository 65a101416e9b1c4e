import type { Handling, MessageHeaders } from '#mime/message-index';

/** How a message came, and what its header says beside what an item keeps: what rules and automatic replies go by. */
export interface MailArrival {
  /** '' is the null one. */
  readonly reversePath: string;
  /** Its sender signed in here, or it was made here. */
  readonly isAuthenticated: boolean;
  /** Bytes of the Return-Path field it begins with. */
  readonly skip: number;
  /** It has bytes beyond ASCII. */
  readonly is8bit: boolean;
  /** RFC 3834 §5: in lower case, without parameters. */
  readonly autoSubmitted?: string | undefined;
  /** RFC 2919. */
  readonly listId?: string | undefined;
  readonly handling?: Handling | undefined;
}

/** The arrival of a message with this header. */
export function mailArrival(
  how: Pick<MailArrival, 'reversePath' | 'isAuthenticated' | 'skip' | 'is8bit'>,
  { autoSubmitted, listId, handling }: MessageHeaders,
): MailArrival {
  const { reversePath, isAuthenticated, skip, is8bit } = how;
  return { reversePath, isAuthenticated, skip, is8bit, autoSubmitted, listId, handling };
}
