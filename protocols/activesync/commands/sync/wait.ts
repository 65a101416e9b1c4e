/** A Sync that waits: it costs a socket, a place among the watchers and one timer. MS-ASCMD, Wait and HeartbeatInterval. */
import type { CommandContext } from '../../command.ts';
import type { Element } from '../../wbxml/element.ts';
import type { SyncRequest } from './read.ts';

/**
 * Serves at once if there is anything to say, else when a folder of the request changes; undefined when time is up.
 * `serve` is told whether the request has waited.
 */
export async function waitForChanges(
  request: SyncRequest,
  context: CommandContext,
  serve: (hasWaited: boolean) => Promise<Element | undefined>,
): Promise<Element | undefined> {
  const folders = new Set(request.collections.map(({ folder }) => folder));
  const bell = new Bell();
  // Watching comes before looking: no change falls between.
  const unwatch = context.mailbox.watch((folder) => {
    if (folder !== undefined && folders.has(folder)) {
      bell.ring();
    }
  });
  const end = () => bell.end();
  const cancel = context.services.clock.after(request.waitSeconds * 1000, end);
  context.signal.addEventListener('abort', end);
  try {
    for (let hasWaited = false; ; hasWaited = true) {
      const answer = await serve(hasWaited);
      if (answer !== undefined || context.signal.aborted || !(await bell.heard())) {
        return answer;
      }
    }
  } finally {
    unwatch();
    cancel();
    context.signal.removeEventListener('abort', end);
  }
}

/** Rings once for any number of changes, and is heard by one. */
class Bell {
  #rung = false;
  #ended = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** True when it rang since last heard; false when it was ended. */
  async heard(): Promise<boolean> {
    if (!this.#rung && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung && !this.#ended;
  }
}
