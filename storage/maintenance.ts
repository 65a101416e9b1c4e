/** What the store needs done now and then, in the background. */
import { queuePart, queueShards } from './keys.ts';
import { forgetOldCalls } from './maintenance-audit.ts';
import { forgetOldClientTokens } from './maintenance-client-tokens.ts';
import type { MaintenanceParts, MaintenanceRun } from './maintenance-context.ts';
import { removeOrganizations } from './maintenance-organization.ts';
import { purgeMailboxes } from './maintenance-purge.ts';
import { applyRetention } from './maintenance-retention.ts';
import { sweepBlobs } from './maintenance-sweep.ts';
import { runMailboxTasks } from './maintenance-tasks.ts';
import { gatherConversations } from './migrations/0001-conversations.ts';
import { indexDirectory } from './migrations/0002-directory-indexes.ts';
import { dueTopic } from './tasks.ts';

const intervalMs = 3_600_000;

/**
 * Maintenance does what is due: tasks of mailboxes, mailboxes disabled and organisations deleted 30 days ago, and once a day the large bodies
 * nobody needs, calls of the admin API that are old, and mail that has lain for as long as a retention policy says. Tasks that are put meanwhile to be done at once are. It goes in short transactions and pages, so that it may be stopped anywhere; the next run goes on.
 */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #cancelTimer: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #isWoken = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /** Runs at once, and an hour after each run ends. A failure is logged. */
  start(): void {
    const shards = Array.from({ length: queueShards }, (_, n) => queuePart(n));
    this.#unwatch ??= this.#parts.store.watch(shards, (_part, topic) => {
      if (topic === dueTopic) this.#wake();
    });
    this.#running = this.#running.then(() => this.#runAndComeBack());
  }

  /** Resolves when the step in hand is over; nothing runs after that. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#unwatch?.();
    this.#cancelTimer?.();
    await this.#running;
  }

  /**
   * Does everything that is due at `nowMs` (ms since the epoch). A task or mailbox that fails is logged and passed over;
   * throws what fails otherwise, and the abort's reason when it is stopped meanwhile.
   */
  async runDue(nowMs: number): Promise<void> {
    const run = this.#run(nowMs);
    await runMailboxTasks(run);
    await purgeMailboxes(run);
    await indexDirectory(run);
    await gatherConversations(run);
    await sweepBlobs(run);
    // After the sweep: files of bodies whose rows go now wait for the next one, as a backup needs it.
    await removeOrganizations(run);
    await forgetOldCalls(run);
    await forgetOldClientTokens(run);
    await applyRetention(run);
  }

  #run(nowMs: number): MaintenanceRun {
    return { ...this.#parts, nowMs, signal: this.#stopped.signal };
  }

  /** Looks for tasks once what is running is over. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    this.#running = this.#running.then(() => this.#runTasks());
  }

  async #runTasks(): Promise<void> {
    const { clock, log } = this.#parts;
    this.#isWoken = false;
    try {
      await runMailboxTasks(this.#run(clock.now()));
    } catch (err) {
      if (!this.#stopped.signal.aborted) log.error('maintenance.run.failed', { err });
    }
  }

  async #runAndComeBack(): Promise<void> {
    const { clock, log } = this.#parts;
    const beganMs = clock.now();
    try {
      await this.runDue(beganMs);
      log.debug('maintenance.run.done', { tookMs: clock.now() - beganMs });
    } catch (err) {
      if (this.#stopped.signal.aborted) {
        return;
      }
      log.error('maintenance.run.failed', { err });
    }
    if (!this.#stopped.signal.aborted) {
      this.#cancelTimer = clock.after(intervalMs, () => this.start());
    }
  }
}
