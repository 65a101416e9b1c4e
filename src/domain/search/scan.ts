import { setImmediate as othersTurn } from 'node:timers/promises';
import { readSearchText } from '#mime/search-text';
import { comparePositions, listEnd, type Position } from '../change.ts';
import type { ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import type { Mailbox } from '../mailbox.ts';
import type { MailboxReader } from '../ports.ts';
import { type Message, readMessages } from '../sync.ts';
import { conversationPlaces } from './conversation-list.ts';
import type { FoundMail, SearchStep } from './finder.ts';
import { matches, SearchedMail } from './match.ts';
import { after, type FolderPlace, MergedList } from './merged-list.ts';
import { isImpossible, type MailCondition, type MailQuery, receivedWindow } from './query.ts';
import { readItems } from './read-items.ts';

/** So many items are looked at in a step. */
const itemsInStep = 64;
/** So many bodies are read together. */
const bodiesTogether = 16;
/** So much text is worked on at a time. */
const charsInTurn = 256 * 1024;

/** A MailFinder that looks at every message of the folders, or of a conversation: at its header first, and at its body only if that decides. */
export async function* scanMailbox(
  mailbox: Mailbox,
  query: MailQuery,
  from: Position,
): AsyncGenerator<SearchStep> {
  if (isImpossible(query.condition)) return;
  const { fromMs, untilMs } = receivedWindow(query.condition);
  const newest: Position = { receivedMs: untilMs - 1, item: 0 };
  const start = comparePositions(from, newest) < 0 ? newest : from;
  const end: Position = fromMs > 0 ? { receivedMs: fromMs - 1, item: 0 } : listEnd;
  if (comparePositions(start, end) >= 0) return;
  const places = await conversationPlaces(mailbox.reader, query);
  if (places !== undefined) {
    const within = places.filter(
      (place) => comparePositions(place, start) >= 0 && comparePositions(place, end) < 0,
    );
    for (let n = 0; n < within.length; n += itemsInStep) {
      yield await step(mailbox, query, within.slice(n, n + itemsInStep), start);
    }
    return;
  }
  const list = new MergedList(mailbox.reader, query.folders, { from: start, to: end });
  while (await list.open()) yield { matches: [], reached: start };
  for (;;) {
    const some = await list.next(itemsInStep);
    if (some.length === 0) return;
    yield await step(mailbox, query, some, start);
  }
}

/** Looks at the next messages, and tells how far that is; with none, as far as `from`. */
async function step(
  mailbox: Mailbox,
  query: MailQuery,
  places: readonly FolderPlace[],
  from: Position,
): Promise<SearchStep> {
  const last = places.at(-1);
  const matches = await matching(mailbox, query, places);
  return { matches, reached: last === undefined ? from : after(last) };
}

async function matching(
  mailbox: Mailbox,
  { condition }: MailQuery,
  places: readonly FolderPlace[],
): Promise<readonly FoundMail[]> {
  const mails = (await readItems(mailbox.reader, places)).map((item) => new SearchedMail(item));
  const found = new Set<SearchedMail>();
  const undecided: SearchedMail[] = [];
  for (const mail of mails) {
    const result = matches(condition, mail);
    if (result === true) found.add(mail);
    else if (result === undefined) undecided.push(mail);
  }
  for (let n = 0; n < undecided.length; n += bodiesTogether) {
    const some = undecided.slice(n, n + bodiesTogether);
    for (const mail of await matchingByBody(mailbox, condition, some)) found.add(mail);
  }
  return mails.filter((mail) => found.has(mail)).map(({ item }) => ({ folder: item.folder, item: item.id }));
}

/** Those of some mails that match with their bodies; a body that cannot be read is empty. */
async function matchingByBody(
  mailbox: Mailbox,
  condition: MailCondition,
  mails: readonly SearchedMail[],
): Promise<readonly SearchedMail[]> {
  const messages = await readableMessages(
    mailbox.reader,
    mails.map(({ item }) => item),
  );
  const found: SearchedMail[] = [];
  let sinceTurn = 0;
  for (const mail of mails) {
    const message = messages.get(mail.item.id);
    const text = message === undefined ? '' : await bodyText(mailbox, message);
    if (matches(condition, mail.withBody(text)) === true) found.push(mail);
    sinceTurn += text.length;
    if (sinceTurn < charsInTurn) continue;
    sinceTurn = 0;
    await othersTurn();
  }
  return found;
}

async function readableMessages(
  reader: MailboxReader,
  items: readonly Item[],
): Promise<ReadonlyMap<ItemId, Message>> {
  const read = async (some: readonly Item[]) => await readMessages(reader, some);
  const messages = await read(items).catch(async () =>
    (await Promise.all(items.map((item) => read([item]).catch(() => [])))).flat(),
  );
  return new Map(messages.map((message) => [message.item.id, message]));
}

async function bodyText(mailbox: Mailbox, { item, detail, raw }: Message): Promise<string> {
  try {
    return await readSearchText(detail, async ({ start, end }, maxBytes) => {
      const stop = Math.min(end, start + maxBytes);
      if (raw !== undefined) return raw.subarray(start, stop);
      const chunks: Uint8Array[] = [];
      if (start < stop) for await (const chunk of mailbox.openBody(item, [start, stop])) chunks.push(chunk);
      return Buffer.concat(chunks);
    });
  } catch {
    return '';
  }
}
