import type { FolderId } from '#domain/ids';
import type { Mailbox } from '#domain/mailbox';
import type { Clock } from '#domain/outside';

/** Whether there is news for the device in a folder, or (undefined) in the folder tree. */
export type FolderCheck = (folder: FolderId | undefined) => Promise<boolean>;

/** The folders with news; the folder tree comes before them. */
export type News = readonly FolderId[] | 'hierarchy' | 'none';

interface Waiting {
  readonly mailbox: Pick<Mailbox, 'watch'>;
  readonly folders: readonly FolderId[];
  readonly clock: Clock;
  /** Aborted: gives 'none' at once. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly check: FolderCheck;
}

/**
 * Waits until a check finds news, the time is over or the signal says so. It registers before it looks for the first
 * time, so nothing is missed in between; from then on only what was touched is looked at. A waiting one costs an entry
 * with the mailbox's watchers and a timer; nothing is polled.
 */
export async function waitForNews({
  mailbox,
  folders,
  clock,
  signal,
  timeoutMs,
  check,
}: Waiting): Promise<News> {
  const listed: ReadonlySet<FolderId | undefined> = new Set([...folders, undefined]);
  const touched = new Set(listed);
  let isOver = signal.aborted;
  let wake: (() => void) | undefined;
  const end = () => {
    isOver = true;
    wake?.();
  };
  const unwatch = mailbox.watch((folder) => {
    if (!listed.has(folder)) return;
    touched.add(folder);
    wake?.();
  });
  const stopTimer = clock.after(timeoutMs, end);
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!isOver) {
      const look = [...touched];
      touched.clear();
      const news = await findNews(look, check);
      if (news !== 'none') return news;
      if (touched.size > 0 || isOver) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return 'none';
  } finally {
    unwatch();
    stopTimer();
    signal.removeEventListener('abort', end);
  }
}

async function findNews(look: readonly (FolderId | undefined)[], check: FolderCheck): Promise<News> {
  const found = await Promise.all(look.map(check));
  if (look.some((folder, n) => folder === undefined && found[n] === true)) return 'hierarchy';
  const folders = look.filter((folder, n) => folder !== undefined && found[n] === true);
  return folders.length === 0 ? 'none' : folders.filter((folder) => folder !== undefined);
}
