import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Choices } from '#test/support/choices';
import { fixedClock, tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';
import { DomainError } from './errors.ts';
import { FolderType, rootFolder } from './folder.ts';
import { changeFolders, changeFoldersByKey } from './folder-commands.ts';
import { type HierarchyAnswer, isHierarchyNews, syncHierarchy } from './hierarchy.ts';
import { newestState } from './hierarchy-state.ts';
import type { HierarchyStep } from './hierarchy-steps.ts';
import type { DeviceId, FolderId } from './ids.ts';
import { Mailbox } from './mailbox.ts';
import { type FolderCommand, syncKeyOf } from './sync-state.ts';

const random = { bytes: (length: number) => randomBytes(length) };

/** A device that does as it is told, and complains of what no server may tell it. */
class FolderDevice {
  readonly held = new Map<FolderId, { parent: FolderId; name: string }>();
  /** What it dropped with a folder it deleted: what others did to it meanwhile may still come. */
  readonly #dropped = new Set<FolderId>();
  readonly complaints: string[] = [];
  key = '0';
  /** It speaks a version that knows the recipient cache: from some time on. */
  readsRecipients = false;
  #knowsRecipients = false;
  readonly #mailbox: Mailbox;
  readonly id: DeviceId;

  constructor(mailbox: Mailbox, id: string) {
    this.#mailbox = mailbox;
    this.id = id as DeviceId;
  }

  async sync(isLost = false): Promise<void> {
    const { id, readsRecipients } = this;
    const { reader } = this.#mailbox;
    const newest = await newestState(reader, id);
    const isNews = await isHierarchyNews(reader, id);
    const answer = await syncHierarchy(this.#mailbox, { id, readsRecipients }, this.key, random);
    // A device that has not our last answer may be told more than what is new since then.
    if (newest !== undefined && syncKeyOf(newest) === this.key && isNews !== answer.steps.length > 0)
      this.complaints.push(`news ${isNews}, and ${answer.steps.length} steps`);
    if (isLost) return;
    if (this.key === '0') {
      this.held.clear();
      this.#knowsRecipients = false;
    }
    this.#apply(answer);
  }

  /** Sends a command as often as its answer is lost; false if it is refused. */
  async send(command: FolderCommand, lost: number): Promise<boolean> {
    try {
      for (let n = 0; n < lost; n++) await this.#ask(command);
      const { key, folder } = await this.#ask(command);
      this.key = key;
      if (command.kind === 'create' && this.held.has(folder)) this.complaints.push(`made ${folder} twice`);
      if (command.kind === 'delete') this.#drop(folder);
      else this.held.set(folder, { parent: command.parent, name: command.name });
      return true;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.code !== 'sync/invalid-key') return false;
      // It does not know what it would delete.
      if (command.kind === 'delete') this.key = '0';
      else this.complaints.push('its key was refused');
      return false;
    }
  }

  /** Sends a command, and never hears of it again. */
  async sendAndForget(command: FolderCommand): Promise<void> {
    await this.#ask(command).catch(() => undefined);
  }

  #ask(command: FolderCommand) {
    return changeFoldersByKey(this.#mailbox, { device: this.id, key: this.key }, command);
  }

  #drop(id: FolderId): void {
    this.held.delete(id);
    this.#dropped.add(id);
    for (const [child, { parent }] of this.held) if (parent === id) this.#drop(child);
  }

  #apply({ key, steps, tellsRecipients }: HierarchyAnswer): void {
    this.key = key;
    if (tellsRecipients !== (this.readsRecipients && !this.#knowsRecipients))
      this.complaints.push(`recipient cache: told ${tellsRecipients}, known ${this.#knowsRecipients}`);
    this.#knowsRecipients ||= tellsRecipients;
    for (const step of steps) this.#take(step);
  }

  #take(step: HierarchyStep): void {
    if (step.kind === 'delete') {
      const { id } = step;
      for (const [child, { parent }] of this.held)
        if (parent === id) this.complaints.push(`Delete of ${id} with ${child} in it`);
      if (!this.held.delete(id) && !this.#dropped.has(id)) this.complaints.push(`Delete of ${id}, not held`);
      return;
    }
    const { id, parent, name } = step.folder;
    const isHeld = this.held.has(id);
    if ((step.kind === 'update') !== isHeld)
      this.complaints.push(`${step.kind} of ${id}, ${isHeld ? '' : 'not '}held`);
    if (parent !== rootFolder && !this.held.has(parent))
      this.complaints.push(`${step.kind} of ${id} before ${parent}`);
    for (let at: FolderId | undefined = parent; at !== undefined; at = this.held.get(at)?.parent)
      if (at === id) {
        this.complaints.push(`${id} into what is below it`);
        break;
      }
    this.held.set(id, { parent, name });
  }
}

const seeds = [0, 10, 20, 30];

test.each(seeds)(
  'every device has the tree of the mailbox in the end, and was told once of the recipient cache, seeds %i and 9 more',
  async (first) => {
    const database = await tempDatabase({ clock: fixedClock(0) });
    const organization = tempOrganization(database);
    for (let seed = first; seed < first + 10; seed++) {
      const mailbox = new Mailbox(database.mail, await tempMailbox(database, organization));
      const choices = new Choices(seed);
      const devices = ['a', 'b', 'c'].map((id) => new FolderDevice(mailbox, id));
      for (const device of devices) await device.sync();
      for (let n = 0; n < 60; n++)
        await act(mailbox, devices[choices.below(3)] ?? new FolderDevice(mailbox, 'd'), choices);
      for (const device of devices) {
        await device.sync();
        expect(await isHierarchyNews(mailbox.reader, device.id)).toBe(false);
        const there = (await mailbox.reader.folders()).map(({ id, parent, name }) => [id, { parent, name }]);
        expect(new Map(device.held), `seed ${seed}`).toEqual(new Map(there as []));
        expect(device.complaints, `seed ${seed}`).toEqual([]);
      }
    }
  },
);

test('a device that never heard of a folder that is gone asks once, and is asked for no more', async () => {
  const database = await tempDatabase({ clock: fixedClock(0) });
  const mailbox = new Mailbox(database.mail, await tempMailbox(database, tempOrganization(database)));
  const device = new FolderDevice(mailbox, 'a');
  await device.sync();
  const folder = await changeFolders(mailbox, {
    kind: 'create',
    parent: rootFolder,
    name: 'New',
    type: FolderType.UserMail,
  });
  await device.sync(true);
  await changeFolders(mailbox, { kind: 'delete', folder });
  expect(await isHierarchyNews(mailbox.reader, device.id)).toBe(true);
  await device.sync();
  expect(await isHierarchyNews(mailbox.reader, device.id)).toBe(false);
  expect([device.held.has(folder), device.complaints]).toEqual([false, []]);
});

/** What a device does next, or somebody without a key. */
async function act(mailbox: Mailbox, device: FolderDevice, choices: Choices): Promise<void> {
  const command = commandOf([...device.held.keys()], choices);
  switch (choices.below(8)) {
    case 0:
      return await device.sync();
    case 1:
      return await device.sync(true);
    case 2:
      return await device.sendAndForget(command);
    case 3:
      await changeFolders(mailbox, command).catch(() => undefined);
      return;
    case 4:
      device.key = choices.below(4) === 0 ? '0' : device.key;
      device.readsRecipients ||= choices.below(4) === 0;
      return await device.sync();
    default:
      if (!(await device.send(command, choices.below(3)))) await device.sync();
  }
}

function commandOf(ids: readonly FolderId[], choices: Choices): FolderCommand {
  const any = (): FolderId => ids[choices.below(ids.length)] ?? rootFolder;
  const parent = choices.below(3) === 0 ? rootFolder : any();
  const name = `Folder ${choices.below(20)}`;
  const kind = choices.below(5);
  if (kind < 2) return { kind: 'create', parent, name, type: FolderType.UserMail };
  if (kind === 2) return { kind: 'delete', folder: any() };
  return { kind: 'update', folder: any(), parent, name };
}
