import type { DkimSigner } from '#domain/dkim-signer';
import type { LocalTransport } from '#domain/local-transport';
import type { OutboundMail, QueuedRecipient } from '#domain/outbound';
import type { OutboundQueue } from '#domain/outbound-queue';
import type { Clock, Outcome, Relay, RelaySession, RemoteHop } from '#domain/outside';
import type { DueDestination } from '#domain/ports';
import type { Routes } from '#domain/routes';
import type { Routing } from '#domain/routing';
import type { Logger } from '#telemetry/log';

interface RelayRunnerParts {
  readonly queue: OutboundQueue;
  readonly relay: Relay;
  /** Takes what is for addresses here. */
  readonly local: Pick<LocalTransport, 'send'>;
  readonly signer: Pick<DkimSigner, 'signing'>;
  readonly routing: Pick<Routing, 'nextHop'>;
  readonly routes: Pick<Routes, 'destinationOf'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Connections to one destination at a time. */
  readonly concurrency: number;
  /** Pauses between attempts at one mail; the last one repeats. */
  readonly retryMs: readonly number[];
}

/** A destination that has mail. */
interface Waiting {
  /** When the first mail is due; Infinity while somebody looks. */
  dueMs: number;
  active: number;
  /** Nobody of it could be reached, how often in a row. */
  failures: number;
  /** Until then the same is said of what becomes due, without an attempt. */
  unreachable: { readonly outcome: Outcome; readonly untilMs: number } | undefined;
  /** Sessions that have nothing to send for a moment. */
  readonly idle: RelaySession[];
}

/** Connections at a time, to whomever. */
const maxSessions = 100;
/** Then a session is given to whoever waits longest. */
const maxMailsInARow = 200;
/** Mails whose outcome is on its way to disk. */
const maxSettling = 16;
/** After a fault of ours. */
const pauseMs = 60_000;
const graceMs = 10_000;
/** A session without mail stays open so long: the next mail of its destination needs no new one. */
const idleMs = 2_000;
/** The longest that a destination is taken to be unreachable without an attempt. */
const maxUnreachableMs = 15 * 60_000;

/**
 * RelayRunner takes due mail from the outbound queue and relays it: some sessions to each destination, each sending one
 * mail after the other. It sleeps until something is queued or due.
 */
export class RelayRunner {
  readonly #parts: RelayRunnerParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Set<Promise<void>>();
  /** Outcomes on their way to disk. */
  readonly #settling = new Set<Promise<void>>();
  readonly #sessions = new Set<RelaySession>();
  /** What ends each idle session, the one that is idle for longest first. */
  readonly #idle = new Map<RelaySession, () => void>();
  #cancelTimer: (() => void) | undefined;
  #isStopped = true;

  constructor(parts: RelayRunnerParts) {
    this.#parts = parts;
  }

  /** Goes on with what an earlier life of this server left. */
  async start(): Promise<void> {
    this.#isStopped = false;
    this.wake(await this.#parts.queue.recover());
  }

  /** Something came into the queue. */
  wake(due: readonly DueDestination[]): void {
    for (const { destination, dueMs } of due) this.#note(destination, dueMs);
    this.#look();
  }

  /** As wake, for what somebody wants tried now, whatever is known of its destination. */
  retry(due: readonly DueDestination[]): void {
    for (const { destination } of due) {
      const waiting = this.#waiting.get(destination);
      if (waiting !== undefined) waiting.unreachable = undefined;
    }
    this.wake(due);
  }

  /** Resolves when everything that is due has been tried. */
  async settled(): Promise<void> {
    while (this.#running.size + this.#settling.size > 0)
      await Promise.all([...this.#running, ...this.#settling]);
  }

  /** Takes nothing new, lets attempts end for ten seconds, and breaks off the rest: it is tried again at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer?.();
    const cancel = this.#parts.clock.after(graceMs, () => {
      for (const session of this.#sessions) session.close();
    });
    await this.settled();
    cancel();
    for (const end of this.#idle.values()) end();
    await this.#parts.relay.stop();
  }

  #note(destination: string, dueMs: number): Waiting {
    const known = this.#waiting.get(destination) ?? {
      dueMs: Number.POSITIVE_INFINITY,
      active: 0,
      failures: 0,
      unreachable: undefined,
      idle: [],
    };
    known.dueMs = Math.min(known.dueMs, dueMs);
    this.#waiting.set(destination, known);
    return known;
  }

  /** Begins whatever may begin now, and sets the timer for the rest. */
  #look(): void {
    if (this.#isStopped) return;
    this.#cancelTimer?.();
    const nowMs = this.#parts.clock.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [destination, waiting] of this.#waiting) {
      // One attempt tells whether a destination that was unreachable is there again.
      const sessions = this.#isDoubtful(waiting) ? 1 : this.#parts.concurrency;
      const isFree = waiting.active < sessions && this.#running.size < maxSessions;
      if (waiting.dueMs > nowMs) nextMs = Math.min(nextMs, waiting.dueMs);
      // Those that must wait for a session are looked at when one ends.
      else if (isFree) this.#begin(destination, waiting);
    }
    if (nextMs < Number.POSITIVE_INFINITY) {
      this.#cancelTimer = this.#parts.clock.after(nextMs - nowMs, () => this.#look());
    }
  }

  #begin(destination: string, waiting: Waiting): void {
    // The next look begins with the others.
    this.#waiting.delete(destination);
    this.#waiting.set(destination, waiting);
    waiting.active++;
    waiting.dueMs = Number.POSITIVE_INFINITY;
    const session = this.#session(waiting);
    this.#sessions.add(session);
    const running = this.#work(destination, waiting, session)
      .then(
        () => this.#keep(destination, waiting, session),
        (err: unknown) => {
          session.close();
          this.#parts.log.error('outbound.queue.failed', { err }, { destination });
          this.#note(destination, this.#parts.clock.now() + pauseMs);
        },
      )
      .finally(() => {
        this.#sessions.delete(session);
        this.#running.delete(running);
        waiting.active--;
        this.#forget(destination, waiting);
        this.#look();
      });
    this.#running.add(running);
  }

  /** An idle session, or a new one; there is room for it. */
  #session(waiting: Waiting): RelaySession {
    const idle = waiting.idle.pop();
    if (idle !== undefined) {
      this.#idle.get(idle)?.();
      return idle;
    }
    const [oldest] = this.#idle.values();
    if (this.#running.size + this.#idle.size >= maxSessions) oldest?.();
    return this.#parts.relay.session();
  }

  #keep(destination: string, waiting: Waiting, session: RelaySession): void {
    if (this.#isStopped) {
      session.close();
      return;
    }
    waiting.idle.push(session);
    const cancel = this.#parts.clock.after(idleMs, () => end());
    const end = () => {
      cancel();
      this.#idle.delete(session);
      const at = waiting.idle.indexOf(session);
      // Otherwise it was taken.
      if (at < 0) return;
      waiting.idle.splice(at, 1);
      session.close();
      this.#forget(destination, waiting);
    };
    this.#idle.set(session, end);
  }

  #forget(destination: string, { active, idle, dueMs }: Waiting): void {
    const isOver = active === 0 && idle.length === 0 && dueMs === Number.POSITIVE_INFINITY;
    if (isOver) this.#waiting.delete(destination);
  }

  /** What an attempt did is written down while the next ones run. */
  async #work(destination: string, waiting: Waiting, session: RelaySession): Promise<void> {
    for (let sent = 0; !this.#isStopped; sent++) {
      // Others wait for a session too.
      const isEnough = sent >= maxMailsInARow || (this.#isDoubtful(waiting) && waiting.active > 1);
      if (isEnough) return void this.#note(destination, this.#parts.clock.now());
      const { mail, nextDueMs } = await this.#parts.queue.claim(destination);
      if (nextDueMs !== undefined) this.#note(destination, nextDueMs);
      if (mail === undefined) return;
      this.#write(mail, await this.#outcomes(waiting, session, mail));
      if (this.#settling.size >= maxSettling) await Promise.race(this.#settling);
      if (this.#parts.clock.now() < waiting.dueMs) return;
    }
  }

  /** Nobody waits for it, but for so many that a crash would have forgotten too much. */
  #write(mail: OutboundMail, outcomes: readonly Outcome[]): void {
    const settling = this.#settle(mail, outcomes)
      .catch((err: unknown) => {
        this.#parts.log.error('outbound.queue.failed', { err }, { queueId: mail.id });
      })
      .finally(() => {
        this.#settling.delete(settling);
        this.#look();
      });
    this.#settling.add(settling);
  }

  async #outcomes(waiting: Waiting, session: RelaySession, mail: OutboundMail): Promise<readonly Outcome[]> {
    const unreachable = this.#unreachable(waiting);
    // Another session may take what else is due.
    this.#look();
    if (unreachable !== undefined) return repeat(unreachable, mail);
    const outcomes = await this.#attempt(session, mail).catch((err: unknown) => this.#fault(err, mail));
    this.#learn(waiting, outcomes);
    return outcomes;
  }

  async #settle(mail: OutboundMail, outcomes: readonly Outcome[]): Promise<void> {
    const { queue } = this.#parts;
    // What we broke off ourselves says nothing; it is taken up again at the next start.
    const told = this.#isStopped ? outcomes.filter(({ kind }) => kind !== 'deferred') : outcomes;
    if (this.#isStopped && told.length === 0) return;
    const due = await queue.settle(mail, told).catch((err: unknown) => {
      this.#parts.log.error('outbound.queue.failed', { err }, { queueId: mail.id });
      return queue.postpone(mail, told, pauseMs);
    });
    for (const { destination, dueMs } of due) this.#note(destination, dueMs);
  }

  /** Nobody answered, and it is time to look again. */
  #isDoubtful(waiting: Waiting): boolean {
    return waiting.failures > 0 && this.#unreachable(waiting) === undefined;
  }

  /** What is said of a destination without an attempt. */
  #unreachable({ unreachable }: Waiting): Outcome | undefined {
    return unreachable !== undefined && this.#parts.clock.now() < unreachable.untilMs
      ? unreachable.outcome
      : undefined;
  }

  /** Remembers whether a destination could be reached: for half of the pause that a mail makes, so that one alone is always tried. */
  #learn(waiting: Waiting, outcomes: readonly Outcome[]): void {
    const outcome = outcomes.find(({ isUnreachable }) => isUnreachable === true);
    if (outcome === undefined) {
      waiting.failures = 0;
      waiting.unreachable = undefined;
      return;
    }
    const nowMs = this.#parts.clock.now();
    // Sessions that ran side by side learn the same.
    if (waiting.unreachable !== undefined && nowMs < waiting.unreachable.untilMs) return;
    const { retryMs } = this.#parts;
    const pauseMs = retryMs[Math.min(waiting.failures, retryMs.length - 1)] ?? maxUnreachableMs;
    waiting.failures++;
    waiting.unreachable = { outcome, untilMs: nowMs + Math.min(pauseMs / 2, maxUnreachableMs) };
  }

  /** By one session, whatever directory and configuration make of the recipients now. */
  async #attempt(session: RelaySession, mail: OutboundMail): Promise<readonly Outcome[]> {
    const { queue, routing, routes, local, signer } = this.#parts;
    const here: QueuedRecipient[] = [];
    const remote: { readonly hop: RemoteHop; readonly recipient: QueuedRecipient }[] = [];
    for (const recipient of mail.recipients.filter(({ state }) => state === 'pending')) {
      const hop = await routing.nextHop(recipient.address);
      if (hop.kind === 'local') here.push(recipient);
      else remote.push({ hop, recipient });
    }
    const outcomes: Outcome[] = [];
    if (here.length > 0) outcomes.push(...(await local.send(mail, here, () => queue.open(mail))));
    const byDestination = Map.groupBy(remote, ({ recipient }) => routes.destinationOf(recipient.address));
    for (const some of byDestination.values()) {
      const hop = some[0]?.hop;
      if (hop === undefined) continue;
      const recipients = some.map(({ recipient }) => recipient);
      const { reversePath, envid, ret, is8bit, facts } = mail;
      const size = mail.size - mail.skip;
      const open = () => queue.open(mail);
      const signing = signer.signing(mail);
      const isVerbatim = mail.kind === 'journal';
      const relayed = { reversePath, envid, ret, is8bit, facts, isVerbatim, size, recipients, open, signing };
      const told = await session.send(hop, relayed);
      // What was queued for one place and goes to another by now says nothing of the first.
      const isElsewhere = routes.destinationOf(recipients[0]?.address ?? '') !== mail.destination;
      outcomes.push(...(isElsewhere ? told.map(({ isUnreachable: _, ...outcome }) => outcome) : told));
    }
    return outcomes;
  }

  /** The mail is tried again as after any other failure, and not just when its hold ends. */
  #fault(err: unknown, mail: OutboundMail): readonly Outcome[] {
    const { id, acceptId } = mail;
    this.#parts.log.error('outbound.queue.failed', { err }, { queueId: id, acceptId });
    const fault = { kind: 'deferred', status: '4.3.0', text: 'Local error in processing' } as const;
    return repeat(fault, mail);
  }
}

/** The same is said of everybody who waits for the mail. */
function repeat(outcome: Omit<Outcome, 'address'>, mail: OutboundMail): readonly Outcome[] {
  return mail.recipients
    .filter(({ state }) => state === 'pending')
    .map(({ address }) => ({ ...outcome, address }));
}
