import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import { composeNotice } from '#mime/notice';
import type { Logger } from '#telemetry/log';
import type { Device } from './device.ts';
import type { DeviceAccess } from './device-access.ts';
import type { DeviceAccessStore } from './device-access-store.ts';
import { defaultFolder, FolderType } from './folder.ts';
import type { MailboxId, MailboxRef, OrganizationId } from './ids.ts';
import { Mailbox } from './mailbox.ts';
import type { NewOutboundMail } from './outbound.ts';
import type { Outside } from './outside.ts';
import type { OwnMail } from './own-mail.ts';
import type { MailboxReader, MailStore } from './ports.ts';
import { prepare } from './prepare.ts';
import { noticeToAdministrator, noticeToUser } from './quarantine-notice.ts';
import { itemFor } from './recipients.ts';

interface QuarantineParts {
  readonly store: MailStore;
  readonly access: Pick<DeviceAccess, 'settings'>;
  readonly removals: Pick<DeviceAccessStore, 'removeMailboxAt'>;
  readonly directory: Pick<Directory, 'describeOrganization' | 'resolveRecipient'>;
  readonly ownMail: Pick<OwnMail, 'make'>;
  readonly outside: Outside;
  readonly hostname: string;
  readonly log: Logger;
  /** 16 bytes that follow from a text, and that nobody else can tell. */
  readonly sign: (organization: OrganizationId, text: string) => Uint8Array;
  readonly wakeRelay: (mails: readonly NewOutboundMail[]) => void;
}

/** How long it is kept. A device that is still in quarantine then gets a new one, and all are told again. */
const keptMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Where devices wait for their approval. Each has a mailbox of its own with the folders that every mailbox has and one
 * message, which says what it waits for: it syncs that as it would any other, and when it is let out its keys name no
 * state of its user's mailbox, so that it starts over there.
 */
export class Quarantine {
  readonly #parts: QuarantineParts;

  constructor(parts: QuarantineParts) {
    this.#parts = parts;
  }

  /** The device's mailbox. When it is made, its user and the administrators are told, once. */
  async mailboxFor(account: Account, device: Device): Promise<Mailbox> {
    const { store, removals, outside } = this.#parts;
    const ref = this.#refOf(account.mailbox, device);
    const mailbox = new Mailbox(store, ref);
    if (await isFurnished(mailbox.reader)) return mailbox;
    await removals.removeMailboxAt(ref, outside.clock.now() + keptMs);
    await store.createMailbox(ref);
    await this.#furnish(ref, account, device);
    return mailbox;
  }

  async #furnish(ref: MailboxRef, account: Account, device: Device): Promise<void> {
    const { store, outside, wakeRelay, log } = this.#parts;
    const { organization } = ref;
    const notice = await this.#compose(account, device);
    const mails = await this.#letters(account, device, notice);
    const { items, body } = await prepare(
      store,
      { mailboxes: [ref], outbound: undefined, chunks: [notice] },
      { receivedMs: outside.clock.now(), read: false },
    );
    const isFirst = await store.transact(
      [ref],
      async (of, outbound) => {
        const tx = of(ref);
        if (await isFurnished(tx)) return false;
        await tx.addItem(defaultFolder(FolderType.Inbox), itemFor(items, organization));
        for (const mail of mails) await outbound.put(mail);
        return true;
      },
      body.stored,
      mails,
    );
    if (!isFirst) return;
    log.info('activesync.device.quarantined', { user: account.address, device: device.id });
    wakeRelay(mails);
  }

  /** The same notice to the user's mailbox, and another one to the administrators. */
  async #letters(account: Account, device: Device, notice: Uint8Array): Promise<readonly NewOutboundMail[]> {
    const { ownMail } = this.#parts;
    const { organization, address } = account;
    const letter = { organization, kind: 'mail', reversePath: '' } as const;
    const recipients = [{ address }];
    const mails = [...(await ownMail.make({ ...letter, recipients, content: { raw: notice } }))];
    const administrators = await this.#administrators(organization);
    if (administrators.length > 0) {
      const raw = await this.#compose(account, device, administrators);
      const toThem = administrators.map((one) => ({ address: one }));
      mails.push(...(await ownMail.make({ ...letter, recipients: toThem, content: { raw } })));
    }
    return mails;
  }

  /** Those that were named, else whoever reads postmaster@. */
  async #administrators(organization: OrganizationId): Promise<readonly string[]> {
    const { access, directory } = this.#parts;
    const { notifyAddresses } = await access.settings(organization);
    if (notifyAddresses.length > 0) return notifyAddresses;
    // The test domain has its mail whatever becomes of the others.
    const { testDomain, defaultDomain } = await directory.describeOrganization(organization);
    for (const domain of new Set([testDomain, defaultDomain])) {
      const address = `postmaster@${domain}`;
      const { kind } = await directory.resolveRecipient(address);
      if (kind === 'mailbox' || kind === 'group') return [address];
    }
    return [];
  }

  async #compose(account: Account, device: Device, administrators?: readonly string[]): Promise<Uint8Array> {
    const { outside, hostname, directory } = this.#parts;
    const { address, displayName, organization } = account;
    const { defaultDomain } = await directory.describeOrganization(organization);
    const words = { address, displayName, device };
    const id = Buffer.from(outside.random.bytes(16)).toString('hex');
    return composeNotice({
      from: { name: 'Mailstead', address: `postmaster@${defaultDomain}` },
      to: administrators?.map((one) => ({ name: '', address: one })) ?? [{ name: displayName, address }],
      ...(administrators === undefined ? noticeToUser(words) : noticeToAdministrator(words)),
      date: outside.clock.now(),
      messageId: `<${id}@${hostname}>`,
    });
  }

  /**
   * Its id follows from the device's, and from when it came: one that was removed is new when it comes back, and all are
   * told again. A UUID of our own making (RFC 9562 §5.8).
   */
  #refOf({ organization, mailbox }: MailboxRef, { id, firstSyncMs }: Device): MailboxRef {
    const text = `quarantine ${mailbox}/${id}/${firstSyncMs}`;
    const bytes = Buffer.from(this.#parts.sign(organization, text));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const uuid = bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    return { organization, mailbox: uuid as MailboxId };
  }
}

/** Whether it has its message: something was done in it since its folders were made. */
async function isFurnished(reader: Pick<MailboxReader, 'folder' | 'lastSeq'>): Promise<boolean> {
  const [inbox, lastSeq] = await Promise.all([
    reader.folder(defaultFolder(FolderType.Inbox)),
    reader.lastSeq(),
  ]);
  return inbox !== undefined && lastSeq > inbox.created;
}
