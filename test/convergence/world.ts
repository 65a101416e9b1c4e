/** One seed: a mailbox, phones before it, what is done, and whether all agree in the end. */

import { listEnd, listStart } from '#domain/change';
import { classOf } from '#domain/folder';
import type { ItemId } from '#domain/ids';
import type { Mailbox } from '#domain/mailbox';
import { collectionIdOf, serverIdOf } from '#protocols/activesync/ids';
import { isAtLeast, type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';
import { Choices } from '#test/support/choices';
import { boundaryMs, type Held } from './collection.ts';
import type { Home } from './home.ts';
import { ModelMailbox, type TrueItem } from './model.ts';
import { Phone, type Surroundings } from './phone.ts';
import { syncCall } from './sync-call.ts';
import type { Ask } from './sync-request.ts';

/** What is in a mailbox, read from its store. */
export interface Truth {
  readonly items: readonly TrueItem[];
  /** By CollectionId: parent, name and type. */
  readonly folders: ReadonlyMap<string, string>;
}

/** Rounds of one phone after which it should have everything. */
const mostRounds = 200;

export class World implements Surroundings {
  readonly seed: number;
  readonly home: Home;
  readonly model = new ModelMailbox();
  readonly validates: boolean;
  readonly phones: readonly Phone[];
  readonly history: string[] = [];
  readonly faults: string[] = [];
  /** CollectionIds of all folders; of one that is deleted no more. */
  readonly folders = new Set<string>();
  /** Those that there ever were. */
  readonly #everMade = new Set<string>();
  /** The parents of all folders, as they were after the last step. */
  readonly parents = new Map<string, string>();
  #subjects = 0;

  constructor(seed: number, home: Home) {
    this.seed = seed;
    this.home = home;
    // The schemas take about as long as the server.
    this.validates = seed % 8 === 0;
    const choices = new Choices(seed);
    const count = 2 + choices.below(3);
    this.phones = Array.from({ length: count }, (_, n) => {
      const version =
        protocolVersions[(seed + n * (1 + choices.below(2))) % protocolVersions.length] ?? '14.1';
      return new Phone(String.fromCharCode(65 + n), version, this);
    });
  }

  note(text: string): void {
    this.history.push(text);
  }

  complain(fault: string): void {
    this.faults.push(fault);
    this.history.push(`!! ${fault}`);
  }

  /** A repeated request is told of its folder once more, also when that is gone. */
  folderMade(id: string): void {
    if (!this.#everMade.has(id)) this.folders.add(id);
    this.#everMade.add(id);
  }

  hasFolder(id: string): boolean {
    return this.folders.has(id);
  }

  /** A folder and all below it, by what the phones know together. */
  treeOf(id: string): ReadonlySet<string> {
    const found = new Set([id]);
    for (let before = 0; before < found.size; ) {
      before = found.size;
      for (const { folders } of this.phones)
        for (const [child, { parent }] of folders) if (found.has(parent)) found.add(child);
      for (const [child, parent] of this.parents) if (found.has(parent)) found.add(child);
    }
    return found;
  }

  nowMs(): number {
    return this.home.inside?.clock.now() ?? Date.now();
  }

  /** A subject that no other message has. */
  nextSubject(kind = 'mail'): string {
    return `${kind} ${this.#subjects++}`;
  }

  /** Phones that know their account and their folders. */
  async begin(): Promise<void> {
    for (let id = 1; id <= 10; id++) this.folderMade(String(id));
    for (const phone of this.phones) {
      await phone.provision();
      await phone.exchange(phone.folderSyncCall());
      await phone.settle();
    }
    for (const phone of this.phones) {
      const asks = phone.mailFolders.map((folder): Ask => ({ folder }));
      await phone.exchange(syncCall(phone, asks));
      await phone.settle();
    }
  }

  /** Compares the mailbox with what was done to it. */
  async checkModel(): Promise<void> {
    if (this.home.inside === undefined) return;
    const { mailbox } = this.home.inside;
    const truth = await truthOf(mailbox);
    this.parents.clear();
    for (const { id, parent } of await mailbox.reader.folders()) this.parents.set(String(id), String(parent));
    const isKnown =
      this.parents.size === this.folders.size && [...this.parents.keys()].every((id) => this.folders.has(id));
    if (!isKnown)
      this.complain(
        `the folders are ${[...this.parents.keys()]}, by what was done they are ${[...this.folders]}`,
      );
    for (const fault of this.model.differences(truth.items)) this.complain(fault);
  }

  /** Every phone asks until there is nothing more. */
  async quiesce(): Promise<void> {
    this.note('-- everything comes to rest');
    for (const phone of this.phones) await phone.settle();
    for (const phone of this.phones) await this.#catchUp(phone);
  }

  async #catchUp(phone: Phone): Promise<void> {
    for (let round = 0; ; round++) {
      if (round === mostRounds) {
        this.complain(`${phone.id} never comes to rest`);
        return;
      }
      await phone.exchange(phone.folderSyncCall());
      await phone.settle();
      const asks = phone.mailFolders.map((folder): Ask => ({ folder }));
      const before = stateOf(phone);
      await phone.exchange(syncCall(phone, asks));
      await phone.settle();
      const isAtRest =
        stateOf(phone) === before &&
        phone.folderKey !== '0' &&
        phone.synced.length === phone.mailFolders.length;
      if (isAtRest || this.faults.length > 20) return;
    }
  }

  /** Compares what the phones hold with what is there. */
  compare(truth: Truth): void {
    for (const fault of this.model.differences(truth.items)) this.complain(fault);
    for (const phone of this.phones) {
      const folders = new Map(
        [...phone.folders]
          // The recipient information cache is no folder of the mailbox.
          .filter(([, { type }]) => type !== 19)
          .map(([id, { parent, name, type }]) => [id, folderText(parent, name, type)]),
      );
      this.#compareMaps(`${phone.id}, folders`, folders, truth.folders);
      for (const { id, items, settings } of phone.synced) {
        const boundary = boundaryMs(settings.filterType, this.nowMs());
        const due = truth.items.filter(({ folder, receivedMs }) => folder === id && receivedMs >= boundary);
        const expected = new Map(due.map((one) => [one.serverId, heldText(one, phone.version)]));
        const dates = new Map(due.map((one) => [one.serverId, one.receivedMs]));
        // A phone is not told when a draft came that it wrote.
        const dated = (serverId: string, one: Held) =>
          Number.isNaN(one.receivedMs) ? { ...one, receivedMs: dates.get(serverId) ?? Number.NaN } : one;
        const held = new Map(
          [...items].map(([serverId, one]) => [serverId, heldText(dated(serverId, one), phone.version)]),
        );
        this.#compareMaps(`${phone.id}, folder ${id}`, held, expected);
      }
    }
  }

  #compareMaps(who: string, found: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): void {
    for (const [id, what] of expected) {
      if (found.get(id) !== what)
        this.complain(`${who}: ${id} is ${found.get(id) ?? 'missing'}, and should be ${what}`);
    }
    for (const [id, what] of found)
      if (!expected.has(id)) this.complain(`${who}: ${id} ${what} is held, and not there`);
  }

  close(): void {
    for (const phone of this.phones) phone.disconnect();
  }
}

function stateOf(phone: Phone): string {
  return [phone.folderKey, ...phone.synced.map(({ id, key }) => `${id} ${key}`)].join();
}

function folderText(parent: string, name: string, type: number): string {
  return `${name} (type ${type}) in ${parent}`;
}

function heldText(one: Held | TrueItem, version: ProtocolVersion): string {
  const { subject, receivedMs, read, flag, categories, verb, importance } = one;
  const since14 = isAtLeast(version, '14.0') ? { categories, verb } : {};
  return JSON.stringify({
    subject,
    receivedMs,
    read,
    importance,
    ...(isAtLeast(version, '12.0') && { flag }),
    ...since14,
  });
}

/** Reads a whole mailbox. */
export async function truthOf(mailbox: Mailbox): Promise<Truth> {
  const { reader } = mailbox;
  const folders = await reader.folders();
  const items: TrueItem[] = [];
  for (const { id, type } of folders) {
    if (classOf(type) !== 'Email') continue;
    const places = await reader.list(id, { from: listStart, to: listEnd, limit: 10_000 });
    const found = await reader.items(
      id,
      places.map(({ item }) => item as ItemId),
    );
    for (const item of found) {
      if (item === undefined) continue;
      const { marks } = item;
      items.push({
        subject: item.envelope.subject,
        serverId: serverIdOf(id, item.id),
        folder: collectionIdOf(id),
        receivedMs: item.receivedMs,
        read: marks.read,
        flag: marks.flag?.status ?? 0,
        categories: marks.categories.join('|'),
        verb: marks.lastVerb ?? 0,
        importance: item.importance,
      });
    }
  }
  return {
    items,
    folders: new Map(
      folders.map(({ id, parent, name, type }) => [String(id), folderText(String(parent), name, type)]),
    ),
  };
}
