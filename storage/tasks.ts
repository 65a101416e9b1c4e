/** What is done later in a mailbox, off the path of requests: see maintenance.ts. */
export const TaskKind = { UnlinkBlob: 1 } as const;

/** A deleted item's body is let go at once; its file stays another day (storage design, section 7). */
export const unlinkDelayMs = 0;
