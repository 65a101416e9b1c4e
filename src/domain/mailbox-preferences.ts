import { RecentMap } from '#directory/recent-map';
import {
  type AutomaticReply,
  checkAutomaticReply,
  noAutomaticReply,
  type StoredAutomaticReply,
} from './automatic-reply.ts';
import { DomainError } from './errors.ts';
import { defaultFolder, FolderType } from './folder.ts';
import { folderAt, pathOf } from './folder-path.ts';
import type { MailboxId, MailboxRef } from './ids.ts';
import type { MailRule } from './mail-rule.ts';
import { checkMailRules, type GivenMailRule } from './mail-rule-check.ts';
import type { Random } from './outside.ts';
import type { MailboxTx, MailStore } from './ports.ts';

/** What the owner of a mailbox wants done with mail that comes. */
interface Preferences {
  readonly reply: StoredAutomaticReply | undefined;
  readonly rules: readonly MailRule[];
}

const maxWithout = 100_000;
/** Of up to some 110 KiB each. */
const maxWith = 1_000;

const inbox = defaultFolder(FolderType.Inbox);
const nothing: Preferences = { reply: undefined, rules: [] };

/**
 * MailboxPreferences keeps the automatic reply and the rules of every mailbox. What deliveries ask for is kept in memory
 * and forgotten with each change: most mailboxes have neither, and that costs a look into a map.
 */
export class MailboxPreferences {
  readonly #store: MailStore;
  readonly #random: Random;
  readonly #without = new RecentMap<MailboxId, true>(maxWithout);
  readonly #with = new RecentMap<MailboxId, Preferences>(maxWith);
  #changes = 0;

  constructor(store: MailStore, random: Random) {
    this.#store = store;
    this.#random = random;
  }

  /** What is in force for a delivery; undefined if nothing is. */
  async of(ref: MailboxRef): Promise<Preferences | undefined> {
    if (this.#without.get(ref.mailbox) !== undefined) return undefined;
    const known = this.#with.get(ref.mailbox);
    if (known !== undefined) return known;
    const began = this.#changes;
    const reader = this.#store.mailbox(ref);
    const [reply, rules] = await Promise.all([reader.automaticReply(), reader.mailRules()]);
    const isNothing = (reply === undefined || reply.state === 'DISABLED') && rules.length === 0;
    const found = isNothing ? nothing : { reply, rules };
    // An answer begun before a change is not kept.
    if (began === this.#changes) {
      if (isNothing) this.#without.set(ref.mailbox, true);
      else this.#with.set(ref.mailbox, found);
    }
    return isNothing ? undefined : found;
  }

  /** Call when a mailbox may have been made anew. */
  forget(mailbox: MailboxId): void {
    this.#changes++;
    this.#without.delete(mailbox);
    this.#with.delete(mailbox);
  }

  /** The reply as it was put last. */
  async automaticReply(ref: MailboxRef): Promise<AutomaticReply> {
    return (await this.#store.mailbox(ref).automaticReply()) ?? noAutomaticReply;
  }

  /**
   * Puts a reply; who had an answer may have one again if anything of it is another. Throws request/invalid,
   * mailbox/not-found.
   */
  putAutomaticReply(ref: MailboxRef, given: AutomaticReply): Promise<AutomaticReply> {
    return this.changeAutomaticReply(ref, () => given);
  }

  /** Puts what `change` makes of the reply there is; it may be called again. Throws as putAutomaticReply. */
  async changeAutomaticReply(
    ref: MailboxRef,
    change: (before: AutomaticReply) => AutomaticReply,
  ): Promise<AutomaticReply> {
    const period = Buffer.from(this.#random.bytes(8)).toString('hex');
    return this.#change(ref, async (tx) => {
      const before = await tx.automaticReply();
      const reply = checkAutomaticReply(change(before ?? noAutomaticReply));
      const isSame = before !== undefined && isSameReply(before, reply);
      tx.putAutomaticReply({ ...reply, period: isSame ? before.period : period });
      return reply;
    });
  }

  /** The rules, their folders by the paths they have now; a folder that is gone by the one it had. */
  async mailRules(ref: MailboxRef): Promise<readonly GivenMailRule[]> {
    const reader = this.#store.mailbox(ref);
    const [rules, folders] = await Promise.all([reader.mailRules(), reader.folders()]);
    return rules.map(({ actions: { moveToFolder, ...actions }, ...rule }) => ({
      ...rule,
      actions: {
        ...actions,
        ...(moveToFolder && { moveToFolder: pathOf(folders, moveToFolder.folder) ?? moveToFolder.path }),
      },
    }));
  }

  /**
   * Puts these rules in the place of all there are; folders they name are made if they are not there. Throws
   * request/invalid, limit/exceeded, mailbox/not-found.
   */
  async putMailRules(
    ref: MailboxRef,
    given: readonly GivenMailRule[],
    isOwn: (address: string) => boolean,
  ): Promise<readonly GivenMailRule[]> {
    const rules = checkMailRules(given, isOwn);
    await this.#change(ref, async (tx) => {
      const stored: MailRule[] = [];
      for (const { actions, ...rule } of rules) {
        const { moveToFolder: path, ...others } = actions;
        const moveToFolder = path === undefined ? undefined : { folder: await folderAt(tx, path), path };
        stored.push({ ...rule, actions: { ...others, moveToFolder } });
      }
      tx.putMailRules(stored);
    });
    return this.mailRules(ref);
  }

  async #change<T>(ref: MailboxRef, change: (tx: MailboxTx) => Promise<T>): Promise<T> {
    try {
      return await this.#store.transact([ref], async (of) => {
        if ((await of(ref).folder(inbox)) === undefined) {
          throw new DomainError('mailbox/not-found', 'The user has no mailbox yet: enable the user first.');
        }
        return change(of(ref));
      });
    } finally {
      this.forget(ref.mailbox);
    }
  }
}

function isSameReply({ period: _period, ...before }: StoredAutomaticReply, now: AutomaticReply): boolean {
  const texts = ({ internal, external, ...rest }: AutomaticReply) =>
    JSON.stringify([
      internal.message,
      internal.bodyType,
      external.message,
      external.bodyType,
      rest.state,
      rest.startMs,
      rest.endMs,
      rest.isInternalEnabled,
      rest.externalAudience,
    ]);
  return texts(before) === texts(now);
}
