/**
 * Searching mailboxes of 10,000 and 100,000 messages (BENCH_SEARCH, numbers with commas between them) of about 2,000 characters: as the
 * first search does it, message by message, and through the index; how long making the index takes, and how large it is. Straight on the
 * store, in this process. A page is ten results. Processor time is that of the main thread, which carries over to other machines.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { DeviceId, FolderId, MailboxId, MailboxRef, OrganizationId } from '#domain/ids';
import type { NewItem } from '#domain/item';
import { Mailbox } from '#domain/mailbox';
import { indexedFinder } from '#domain/search/find-indexed';
import type { MailFinder } from '#domain/search/finder';
import { MailSearches } from '#domain/search/mail-searches';
import { allFields, type MailCondition } from '#domain/search/query';
import { scanMailbox } from '#domain/search/scan';
import { patternOf } from '#domain/search/text';
import { type Database, openDatabase } from '#storage/database';
import { mailboxPart } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import { extendIndex } from '#storage/search/tend-index';
import { createLogger } from '#telemetry/log';
import { median, printTable } from './support/figures.ts';
import { Prose } from './support/prose.ts';

const sizes = (process.env['BENCH_SEARCH'] ?? '10000,100000').split(',').map(Number);
const wordsInMessage = 300;
const messagesTogether = 100;
const rounds = 5;
const inbox = 1 as FolderId;

const prose = new Prose(40_000);

/** One in a thousand has a word of its own kind, each has a number. */
function mail(n: number): NewItem {
  const words = prose.words(wordsInMessage);
  const rare = n % 1000 === 500 ? ' zanzibar' : '';
  const subject = `${words.slice(0, 5).join(' ')} ${n}`;
  const raw = Buffer.from(`Subject: ${subject}\r\n\r\n${words.join(' ')}${rare} ref${n * 7919}\r\n`);
  const at = raw.indexOf('\r\n\r\n') + 4;
  const part = { path: '1', type: 'text/plain', encoding: '7bit', start: at, end: raw.length };
  return {
    receivedMs: 1_700_000_000_000 + n * 60_000,
    size: raw.length,
    envelope: {
      from: [{ name: `Person ${n % 97}`, address: `person${n % 97}@away.example` }],
      replyTo: [],
      to: [{ name: 'Bench', address: 'bench@mailstead.test' }],
      cc: [],
      bcc: [],
      subject,
      references: [],
      threadTopic: subject,
    },
    importance: 1,
    messageClass: 'IPM.Note',
    conversationId: randomBytes(16),
    conversationIndex: randomBytes(5),
    attachments: [],
    draft: false,
    marks: { read: false, categories: [] },
    detail: {
      parts: [{ ...part, size: raw.length - at }],
      text: [0],
      html: [],
      preview: words.join(' ').slice(0, 500),
    },
    body: { kind: 'inline', raw },
  };
}

async function fill(database: Database, ref: MailboxRef, messages: number): Promise<number> {
  let bytes = 0;
  for (let n = 0; n < messages; n += messagesTogether) {
    const some = Array.from({ length: messagesTogether }, (_, m) => mail(n + m));
    bytes += some.reduce((sum, { size }) => sum + size, 0);
    await database.mail.transact([ref], async (of) => {
      for (const one of some) await of(ref).addItem(inbox, one);
    });
  }
  return bytes;
}

function text(words: string): MailCondition {
  return { kind: 'text', pattern: patternOf(words) ?? '', fields: allFields };
}

const [common, usual] = [prose.vocabulary[3] ?? '', prose.vocabulary[300] ?? ''];
const queries: readonly (readonly [string, MailCondition])[] = [
  ['a word in nearly every message', text(common)],
  ['one in a thousand', text('zanzibar')],
  ['one message', text('ref791900000'.slice(0, 9))],
  ['no message', text('nowhere')],
  ['the beginning "z"', text('z')],
  [
    'two words, and not a third',
    { kind: 'and', of: [text(usual), text('zanzibar'), { kind: 'not', of: text('nowhere') }] },
  ],
  ['a phrase', text(`${common} ${usual}`)],
  ['from:', { kind: 'text', pattern: ' person42', fields: 2 }],
];

/** Milliseconds, and whether the ten seconds a search has were enough. */
async function search(mailbox: Mailbox, find: MailFinder, condition: MailCondition) {
  const searches = new MailSearches({ now: () => Date.now(), after: () => () => undefined }, find);
  const asked = { device: 'd' as DeviceId, name: '', first: 0, last: 9, rebuild: true };
  const began = performance.now();
  const cpu = process.threadCpuUsage();
  const query = { folders: [inbox], condition };
  const { isTimedOut } = await searches.page(mailbox, { ...asked, query }, new AbortController().signal);
  const { user, system } = process.threadCpuUsage(cpu);
  return { ms: performance.now() - began, cpuMs: (user + system) / 1000, isTimedOut };
}

const shown = ({ ms, isTimedOut }: { ms: number; isTimedOut: boolean }) =>
  isTimedOut ? 'over 10 s' : ms < 10 ? ms.toFixed(1) : Math.round(ms);

async function sizeOf(database: Database, ref: MailboxRef): Promise<number> {
  const part = mailboxPart(ref.organization, ref.mailbox);
  let bytes = 0;
  const { gte, lt } = mailboxRows.searchSegment.range();
  for (let from: Uint8Array | undefined = gte; from !== undefined; ) {
    const page: Awaited<ReturnType<typeof database.store.page>> = await database.store.page(part, {
      gte: from,
      lt,
    });
    for (const [key, value] of page.rows) bytes += part.bytes.length + key.length + value.length;
    from = page.next;
  }
  return bytes;
}

async function measure(messages: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstead-bench-'));
  const database = await openDatabase({
    folder: join(folder, 'data'),
    inlineBodyBytes: 32 * 1024,
    now: () => Date.now(),
    onFatal: (error) => {
      throw error;
    },
  });
  try {
    const organization = `m-${randomBytes(16).toString('hex')}` as OrganizationId;
    database.keys.add(organization, database.keys.create(organization));
    const ref = { organization, mailbox: randomBytes(16).toString('hex') as MailboxId };
    await database.mail.createMailbox(ref);
    const textBytes = await fill(database, ref, messages);
    const mailbox = new Mailbox(database.mail, ref);
    const scanned = [];
    for (const [, condition] of queries) scanned.push(await search(mailbox, scanMailbox, condition));
    const clock = { now: () => Date.now(), after: () => () => undefined };
    const run = { ...database, clock, log: createLogger('error') };
    const { signal } = new AbortController();
    const began = performance.now();
    const cpu = process.cpuUsage();
    let longestMs = 0;
    let last = process.threadCpuUsage();
    const ticks = setInterval(() => {
      const { user, system } = process.threadCpuUsage(last);
      longestMs = Math.max(longestMs, (user + system) / 1000);
      last = process.threadCpuUsage();
    }, 1);
    while (await extendIndex({ ...run, nowMs: Date.now(), signal }, ref));
    clearInterval(ticks);
    const buildMs = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const bytes = await sizeOf(database, ref);
    const rows = [];
    for (const [n, [name, condition]] of queries.entries()) {
      const first = await search(mailbox, indexedFinder(database.indexes), condition);
      const later = [];
      for (let round = 0; round < rounds; round++) {
        later.push(await search(mailbox, indexedFinder(database.indexes), condition));
      }
      const before = scanned[n];
      const cpuMs = median(later.map((one) => one.cpuMs)).toFixed(1);
      rows.push([
        name,
        before ? shown(before) : '',
        shown(first),
        shown({ ...first, ms: median(later.map(({ ms }) => ms)) }),
        cpuMs,
      ]);
    }
    printTable([`${messages} messages, ms a search for`, 'scan', 'index, first', 'later', 'its cpu'], rows);
    printTable(
      ['the index', 'ms/1000', 'cpu ms/1000', 'longest turn, cpu ms', 'bytes/message', '% of the text'],
      [
        [
          '',
          Math.round((buildMs / messages) * 1000),
          Math.round((user + system) / messages),
          Math.round(longestMs),
          Math.round(bytes / messages),
          ((bytes / textBytes) * 100).toFixed(1),
        ],
      ],
    );
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

for (const messages of sizes) await measure(messages);
