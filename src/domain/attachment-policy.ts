import { holdsArchive, inspectMessage } from '#mime/archives/inspect';
import type { Finding, InspectionLimits } from '#mime/archives/inspection';
import { endingsOf, shownName } from '#mime/file-ending';
import type { MessageIndex } from '#mime/message-index';
import type { ReadRange } from '#mime/open-part';
import { strayNames } from '#mime/stray-names';
import { isWhollyIndexed } from '#mime/whole-index';
import { DomainError } from './errors.ts';

/** Which attachments are refused. */
interface AttachmentRules {
  /** Each with its dot. */
  readonly blockedExtensions: readonly string[];
  /** Whether the names in archives count, too. */
  readonly inspectArchives: boolean;
}

/** What a mail of 25 MB may cost at most, and no honest one comes near. */
const inspectionLimits: InspectionLimits = {
  maxDepth: 3,
  maxArchives: 2_000,
  maxMembers: 200_000,
  maxBytes: 1024 * 1024 * 1024,
  maxRatio: 250,
  maxMs: 60_000,
};
/** Messages whose archives are looked into at the same time. */
const maxAtOnce = 4;
const maxShownName = 80;

/** AttachmentPolicy decides which messages are refused for the names of their attachments. */
export class AttachmentPolicy {
  readonly #extensions: ReadonlySet<string>;
  readonly #inspectArchives: boolean;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ blockedExtensions, inspectArchives }: AttachmentRules) {
    this.#extensions = new Set(blockedExtensions.flatMap((extension) => [...endingsOf(extension)]));
    this.#inspectArchives = inspectArchives;
  }

  /** Throws message/blocked-attachment when a part of the message has a name that is refused. */
  checkNames({ parts, attachments }: MessageIndex): void {
    if (this.#extensions.size === 0) return;
    for (const { names = [] } of parts) for (const name of names) this.#refuse(name);
    for (const { name } of attachments) this.#refuse(name);
    if (!isWhollyIndexed(parts)) throw tooMany();
  }

  /**
   * Throws message/blocked-attachment when the content of a part holds a name that is refused, as an archive or a
   * uuencoded file, or cannot be looked through within bounds; server/busy when that took too long. `read` gives bytes of the raw message.
   */
  async checkContents(index: MessageIndex, read: ReadRange): Promise<void> {
    if (this.#extensions.size === 0) return;
    for await (const name of strayNames(index, read)) {
      if (name === undefined) throw tooMany();
      this.#refuse(name);
    }
    if (!this.#inspectArchives) return;
    if (!(await holdsArchive(index, read))) return;
    await this.#enter();
    try {
      const finding = await inspectMessage(index, read, {
        limits: inspectionLimits,
        isWanted: (name) => this.#isBlocked(name),
        now: () => performance.now(),
      });
      if (finding !== undefined) throw refusalOf(finding);
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < maxAtOnce) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place of who leaves is the next one's. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }

  #refuse(name: string): void {
    if (this.#isBlocked(name)) throw refusalOf({ kind: 'name', name, within: [] });
  }

  #isBlocked(name: string): boolean {
    for (const ending of endingsOf(name)) if (this.#extensions.has(ending)) return true;
    return false;
  }
}

function refusalOf({ kind, name, within }: Finding): DomainError {
  const path = [name, ...within].slice(0, 3).map((part) => `"${shownName(part, maxShownName)}"`);
  const attachment = `The attachment ${path.join(' in ')}`;
  switch (kind) {
    case 'name':
      return blocked(`${attachment} is of a kind that is not accepted.`);
    case 'too-deep':
      return blocked(`${attachment} is nested too deep to be checked.`);
    case 'too-many':
    case 'too-large':
      return blocked(`${attachment} unpacks to too much to be checked.`);
    case 'too-slow':
      return new DomainError('server/busy', 'Checking the attachments took too long.');
  }
}

function tooMany(): DomainError {
  return blocked('The message has more parts or names than can be checked.');
}

function blocked(message: string): DomainError {
  return new DomainError('message/blocked-attachment', message);
}
