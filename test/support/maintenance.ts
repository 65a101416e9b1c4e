/** What tests of the maintenance share: a store with a directory, large bodies, and what is left of them. */
import { randomBytes } from 'node:crypto';
import { Directory } from '#directory/directory';
import { defaultFolder, FolderType } from '#domain/folder';
import { type MailboxRef, mailboxOf, type OrganizationId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import type { Database } from '#storage/database';
import { StoredDirectory } from '#storage/directory-store';
import { blobPart, mailboxPart } from '#storage/keys';
import { blobRows } from '#storage/layout';
import { Maintenance } from '#storage/maintenance';
import type { Bytes, Part, Range, Store } from '#storage/store';
import { silentLogger } from '#telemetry/log';
import { newItem } from './new-item.ts';
import { fixedClock, tempDatabase } from './temp-store.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const inbox = defaultFolder(FolderType.Inbox);

/** A directory with an organisation; time begins now, as files are dated by the system's clock. */
export async function openMaintained() {
  const clock = fixedClock(Date.now());
  const database = await tempDatabase({ clock });
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 },
    passwords: { hash: async (password) => password, verify: async () => true, decoy: '' },
  });
  const organization = await directory.createOrganization({ alias: 'acme' });
  const maintenance = new Maintenance({ ...database, clock, log: silentLogger });
  const run = (afterMs = 0) => {
    clock.move(afterMs);
    return maintenance.runDue(clock.now());
  };
  return { clock, database, directory, organization, maintenance, run };
}

export async function enabledUser(directory: Directory, organization: OrganizationId, name: string) {
  const id = await directory.createUser(organization, { name, displayName: name });
  await directory.registerToWorkMail(organization, id, `${name}@acme.mailstead.test`);
  return { id, ref: { organization, mailbox: mailboxOf(id) } };
}

export async function largeItem(
  database: Database,
  organization: OrganizationId,
): Promise<NewItem & { blob: Uint8Array }> {
  const writer = database.mail.writeBody(organization);
  await writer.append(Buffer.from('Subject: large\r\n\r\nlarge'));
  const { id, size } = await writer.finish();
  return { ...newItem('large', 1), size, body: { kind: 'blob', id }, blob: id };
}

export function addLarge(
  database: Database,
  ref: MailboxRef,
  item: NewItem & { blob: Uint8Array },
): Promise<Item> {
  const bodies = [{ organization: ref.organization, id: item.blob, size: item.size }];
  return database.mail.transact([ref], (of) => of(ref).addItem(inbox, item), bodies);
}

export async function count(store: Store, part: Part, range: Range): Promise<number> {
  return (await store.page(part, range)).rows.length;
}

/** What there is of a body: references, its row, its file. */
export async function traces({ store, blobs }: Database, organization: OrganizationId, blob: Bytes) {
  const part = blobPart(organization, blob[0] ?? 0);
  const files = await blobs.list();
  return {
    references: await count(store, part, blobRows.reference.range(blob)),
    row: (await store.get(part, blobRows.blob.key(blob))) !== undefined,
    file: files.some(({ id }) => Buffer.compare(id, blob) === 0),
  };
}

export const partOf = ({ organization, mailbox }: MailboxRef) => mailboxPart(organization, mailbox);

/** A store that fails the first transaction or deletion of a range that `isBroken` picks. */
export function failingOnce(
  store: Store,
  isBroken: (parts: readonly Part[], kind: 'transact' | 'deleteRange') => boolean,
) {
  let failed = false;
  const check = (parts: readonly Part[], kind: 'transact' | 'deleteRange') => {
    if (failed || !isBroken(parts, kind)) return;
    failed = true;
    throw new Error('cut off');
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === 'transact') {
        const transact: Store['transact'] = async (parts, fn) => {
          check(parts, 'transact');
          return target.transact(parts, fn);
        };
        return transact;
      }
      if (name === 'deleteRange') {
        const deleteRange: Store['deleteRange'] = async (part, range) => {
          check([part], 'deleteRange');
          return target.deleteRange(part, range);
        };
        return deleteRange;
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
