import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import type { Logger } from '#telemetry/log';
import type { LookOutcome } from './decide-domain.ts';
import { longestWaitMs, mailRefusedFromMs, nextLookMs } from './domain-look.ts';
import type { DomainEvent, MailDomains } from './mail-domains.ts';
import type { Organization } from './organization.ts';
import type { PublishedRecords } from './ports.ts';

interface DomainWatchParts {
  readonly directory: {
    readonly domains: MailDomains;
    listOrganizations(
      after: OrganizationId | undefined,
      limit: number,
    ): Promise<PageOf<Organization, OrganizationId>>;
  };
  readonly dns: PublishedRecords;
  readonly outside: Outside;
  readonly log: Logger;
}

/** A domain that is looked at now and then. */
interface Watched {
  readonly organization: OrganizationId;
  readonly domain: string;
  dueMs: number;
}

/** Mail, and whoever looks by hand, come first. */
const looksAtOnce = 4;
const organizationsPerPage = 100;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** What is overdue when the server starts is spread over so long. */
const spreadMs = 10 * minuteMs;

/**
 * DomainWatch looks at the records of registered domains again and again, beside everything else: a domain becomes verified
 * without anybody asking, and one whose ownership record is gone is told of in the log. Test domains need no looks.
 */
export class DomainWatch {
  readonly #parts: DomainWatchParts;
  readonly #stopped = new AbortController();
  readonly #watched = new Map<string, Watched>();
  readonly #looking = new Map<string, Promise<void>>();
  /** What breaks off the looks in hand. */
  readonly #aborts = new Set<AbortController>();
  readonly #planning = new Set<Promise<void>>();
  #finding: Promise<void> = Promise.resolve();
  #cancelLook: (() => void) | undefined;
  #cancelFind: (() => void) | undefined;

  constructor(parts: DomainWatchParts) {
    this.#parts = parts;
    parts.directory.domains.onEvent((event) => this.#happened(event));
  }

  /** Finds the domains there are, and once a day those that could not be read when they came. */
  start(): void {
    if (this.#stopped.signal.aborted) return;
    this.#finding = this.#find().catch((err: unknown) => {
      if (!this.#stopped.signal.aborted) this.#parts.log.error('domain.look.failed', { err });
    });
    this.#cancelFind = this.#parts.outside.clock.after(dayMs, () => this.start());
  }

  /** Breaks off the looks in hand; nothing runs after it resolves. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const abort of this.#aborts) abort.abort();
    this.#cancelFind?.();
    this.#cancelLook?.();
    await this.#finding;
    await Promise.all([...this.#looking.values(), ...this.#planning]);
  }

  async #find(): Promise<void> {
    const { directory } = this.#parts;
    let after: OrganizationId | undefined;
    do {
      const page = await directory.listOrganizations(after, organizationsPerPage);
      for (const { id, state } of page.rows) if (state === 'Active') await this.#findIn(id);
      after = page.next;
    } while (after !== undefined && !this.#stopped.signal.aborted);
    this.#arm();
  }

  async #findIn(organization: OrganizationId): Promise<void> {
    const { directory, outside } = this.#parts;
    for (const { domain, look, isRotating } of await directory.domains.watched(organization)) {
      const key = keyOf(organization, domain.name);
      const nowMs = outside.clock.now();
      if (this.#watched.has(key) || this.#looking.has(key)) continue;
      const earliestMs = nowMs + minuteMs + this.#share() * spreadMs;
      const nextMs = Math.min(nextLookMs(domain, look, isRotating), nowMs + longestWaitMs);
      this.#watched.set(key, { organization, domain: domain.name, dueMs: Math.max(nextMs, earliestMs) });
    }
  }

  #happened({ organization, domain, outcome }: DomainEvent): void {
    if (outcome !== undefined) this.#tell(organization, outcome);
    if (this.#stopped.signal.aborted) return;
    const planning: Promise<void> = this.#watchAgain(organization, domain).finally(() =>
      this.#planning.delete(planning),
    );
    this.#planning.add(planning);
  }

  /** What it is by now says when it is due. */
  async #watchAgain(organization: OrganizationId, name: string): Promise<void> {
    const { directory, outside, log } = this.#parts;
    const key = keyOf(organization, name);
    try {
      const [found] = await directory.domains.watched(organization, name);
      this.#watched.delete(key);
      if (found === undefined) return;
      const { domain, look, isRotating } = found;
      const nowMs = outside.clock.now();
      const leftMs = Math.min(
        Math.max(nextLookMs(domain, look, isRotating) - nowMs, minuteMs),
        longestWaitMs,
      );
      // So that those registered together do not stay together.
      const dueMs = nowMs + leftMs * (0.9 + this.#share() / 5);
      this.#watched.set(key, { organization, domain: name, dueMs });
    } catch (err) {
      if (!this.#stopped.signal.aborted) log.error('domain.look.failed', { err }, { domain: name });
    }
    this.#arm();
  }

  #tell(organization: OrganizationId, { domain, before, look }: LookOutcome): void {
    const { log } = this.#parts;
    const { name } = domain;
    const refusedFromMs = mailRefusedFromMs(look);
    if (before === 'Pending' && domain.state === 'Verified')
      log.info('domain.verified', { organization, domain: name });
    if (before === 'Verified' && domain.state === 'Pending')
      log.warn('domain.refused', { organization, domain: name });
    else if (refusedFromMs !== undefined && domain.state === 'Verified') {
      const refusedFrom = new Date(refusedFromMs).toISOString();
      log.warn('domain.ownership.missing', { organization, domain: name, refusedFrom });
    }
  }

  /** Wakes up when the next one is due, and hourly: the clock may have been set, or the machine suspended. */
  #arm(): void {
    const { clock } = this.#parts.outside;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    if (this.#stopped.signal.aborted || this.#looking.size >= looksAtOnce) return;
    if (this.#watched.size === 0) return;
    const nowMs = clock.now();
    let waitMs = hourMs;
    for (const watched of this.#watched.values()) {
      watched.dueMs = Math.min(watched.dueMs, nowMs + longestWaitMs);
      waitMs = Math.min(waitMs, Math.max(watched.dueMs - nowMs, 0));
    }
    this.#cancelLook = clock.after(waitMs, () => this.#lookAtDue());
  }

  #lookAtDue(): void {
    const nowMs = this.#parts.outside.clock.now();
    for (const [key, watched] of this.#watched) {
      if (this.#looking.size >= looksAtOnce) break;
      if (watched.dueMs > nowMs) continue;
      this.#watched.delete(key);
      const looking = this.#look(key, watched).finally(() => {
        this.#looking.delete(key);
        this.#arm();
      });
      this.#looking.set(key, looking);
    }
    this.#arm();
  }

  async #look(key: string, watched: Watched): Promise<void> {
    const { directory, dns, outside, log } = this.#parts;
    const { organization, domain } = watched;
    const abort = new AbortController();
    this.#aborts.add(abort);
    try {
      await directory.domains.look(organization, domain, dns, abort.signal);
    } catch (err) {
      // One that is removed, or its organisation deleted, is found again if it comes back.
      if (err instanceof DomainError || this.#stopped.signal.aborted) return;
      log.error('domain.look.failed', { err }, { domain });
      this.#watched.set(key, { ...watched, dueMs: outside.clock.now() + hourMs });
    } finally {
      this.#aborts.delete(abort);
    }
  }

  /** From 0 to 1. */
  #share(): number {
    const [byte = 0] = this.#parts.outside.random.bytes(1);
    return byte / 255;
  }
}

function keyOf(organization: OrganizationId, domain: string): string {
  return `${organization} ${domain}`;
}
