/** A mailbox of a million items and ten thousand folders, put straight into the store of a server that is stopped. */
import { createHash } from 'node:crypto';
import { ChangeKind } from '#domain/change';
import { defaultFolders, FolderType, rootFolder } from '#domain/folder';
import type { FolderId, MailboxRef } from '#domain/ids';
import type { NewItem } from '#domain/item';
import { type Database, openDatabase } from '#storage/database';
import { Prose } from './prose.ts';

/** How large a mailbox is to be; the folders that its owner made hold what neither Inbox nor archive do. */
export interface MailboxPlan {
  readonly items: number;
  readonly inInbox: number;
  readonly inArchive: number;
  /** With those that every mailbox has. */
  readonly folders: number;
}

/** A word that one mail has: the oldest. */
export const rareWord = 'zanzibar';
export const inboxId = 1 as FolderId;
/** The folder that a bench empties: the first that the owner made. */
export const archiveId = (defaultFolders.length + 1) as FolderId;

const itemsTogether = 350;
const foldersTogether = 500;
const foldersInFolder = 100;
const yearsMs = 3 * 365 * 24 * 3_600_000;
const wordsInMessage = 60;

const prose = new Prose(20_000);

/** Opens a stopped server's data and fills mailboxes that it knows; gives the seconds that took. */
export async function fillMailboxes(
  data: string,
  mailboxes: readonly { readonly ref: MailboxRef; readonly plan: MailboxPlan }[],
): Promise<number> {
  const began = performance.now();
  const database = await openDatabase({
    folder: data,
    inlineBodyBytes: 32 * 1024,
    now: () => Date.now(),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    for (const { ref, plan } of mailboxes) await fill(database, ref, plan);
  } finally {
    await database.close();
  }
  return (performance.now() - began) / 1000;
}

async function fill(database: Database, ref: MailboxRef, plan: MailboxPlan): Promise<void> {
  await addFolders(database, ref, plan.folders - defaultFolders.length);
  const firstMs = Date.now() - yearsMs;
  const nextFolder = foldersOf(plan);
  for (let n = 0; n < plan.items; n += itemsTogether) {
    const some = Array.from({ length: Math.min(itemsTogether, plan.items - n) }, (_, m) => n + m);
    await database.mail.transact([ref], async (of) => {
      for (const number of some) {
        await of(ref).addItem(nextFolder(number), mail(number, firstMs + (number / plan.items) * yearsMs));
      }
    });
  }
}

/** Folders below the archive's siblings, a hundred in each. */
async function addFolders(database: Database, ref: MailboxRef, count: number): Promise<void> {
  let parent = rootFolder;
  for (let n = 0; n < count; n += foldersTogether) {
    await database.mail.transact([ref], async (of) => {
      const seq = await of(ref).seq();
      for (let m = n; m < Math.min(count, n + foldersTogether); m++) {
        const id = await of(ref).nextFolderId();
        const isParent = m === 0 || m % foldersInFolder === 1;
        const name = m === 0 ? 'Archive' : `Project ${m}`;
        const type = FolderType.UserMail;
        of(ref).putFolder({
          id,
          parent: isParent ? rootFolder : parent,
          type,
          name,
          created: seq,
          changed: seq,
        });
        if (isParent) parent = id;
        await of(ref).logHierarchy(ChangeKind.Add, id);
      }
    });
  }
}

/** Which folder a mail is put into: mixed, so that what came one after another lies in many folders. */
function foldersOf({ items, inInbox, inArchive, folders }: MailboxPlan): (number: number) => FolderId {
  const others = Math.max(0, folders - archiveId);
  return (number) => {
    const lot = (number * 7919) % items;
    if (others === 0 || lot < inInbox) return inboxId;
    if (lot < inInbox + inArchive) return archiveId;
    return (archiveId + 1 + (lot % others)) as FolderId;
  };
}

function mail(number: number, receivedMs: number): NewItem {
  const words = prose.words(wordsInMessage);
  if (number === 0) words.push(rareWord);
  const subject = `${words.slice(0, 5).join(' ')} ${number}`;
  const from = { name: `Person ${number % 997}`, address: `person${number % 997}@away.example` };
  const to = { name: 'Bench', address: 'bench@bench.mailstead.test' };
  const messageId = `<${number}.${number % 997}@away.example>`;
  const signature = createHash('sha256').update(subject).digest('base64');
  const head = [
    `Received: from mx.away.example (mx.away.example [192.0.2.1]) by localhost with ESMTPS id ${number}`,
    `DKIM-Signature: v=1; a=rsa-sha256; d=away.example; s=one; h=From:To:Subject; bh=${signature}; b=${signature}${signature}`,
    `From: ${from.name} <${from.address}>`,
    `To: ${to.name} <${to.address}>`,
    `Subject: ${subject}`,
    `Date: ${new Date(receivedMs).toUTCString()}`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
  ];
  const raw = Buffer.from(`${head.join('\r\n')}\r\n\r\n${words.join(' ')}\r\n`);
  const start = raw.indexOf('\r\n\r\n') + 4;
  const part = { path: '1', type: 'text/plain', charset: 'utf-8', encoding: '7bit', start, end: raw.length };
  return {
    receivedMs: Math.floor(receivedMs),
    size: raw.length,
    envelope: {
      from: [from],
      replyTo: [],
      to: [to],
      cc: [],
      bcc: [],
      subject,
      messageId,
      references: [],
      threadTopic: subject,
    },
    importance: 1,
    messageClass: 'IPM.Note',
    conversationId: createHash('md5').update(messageId).digest(),
    conversationIndex: Buffer.alloc(5, number),
    attachments: [],
    draft: false,
    marks: { read: number % 3 > 0, categories: [] },
    detail: {
      parts: [{ ...part, size: raw.length - start }],
      text: [0],
      html: [],
      preview: words.join(' ').slice(0, 500),
    },
    body: { kind: 'inline', raw },
  };
}
