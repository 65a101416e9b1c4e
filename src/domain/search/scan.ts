import { setImmediate as othersTurn } from 'node:timers/promises';
import { comparePositions, listEnd, type Position } from '../change.ts';
import type { Mailbox } from '../mailbox.ts';
import { bodyText, readableMessages } from './body-text.ts';
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
  const range = searchedRange(query.condition, from);
  if (range === undefined) return;
  const places = await conversationPlaces(mailbox.reader, query);
  if (places !== undefined) {
    const within = places.filter(
      (place) => comparePositions(place, range.from) >= 0 && comparePositions(place, range.to) < 0,
    );
    for (let n = 0; n < within.length; n += itemsInStep) {
      yield await step(mailbox, query, within.slice(n, n + itemsInStep), range.from);
    }
    return;
  }
  const list = new MergedList(mailbox.reader, query.folders, range);
  while (await list.open()) yield { matches: [], reached: range.from };
  for (;;) {
    const some = await list.next(itemsInStep);
    if (some.length === 0) return;
    yield await step(mailbox, query, some, range.from);
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
  const mails = (await readItems(mailbox.reader, places)).map((item) => new SearchedMail(item));
  const found = await matching(mailbox, query.condition, mails);
  return { matches: found, reached: last === undefined ? from : after(last) };
}

/** The places that can match from a place on: the first, and where they end; undefined if there are none. */
export function searchedRange(
  condition: MailCondition,
  from: Position,
): { readonly from: Position; readonly to: Position } | undefined {
  const { fromMs, untilMs } = receivedWindow(condition);
  const newest: Position = { receivedMs: untilMs - 1, item: 0 };
  const start = comparePositions(from, newest) < 0 ? newest : from;
  const to: Position = fromMs > 0 ? { receivedMs: fromMs - 1, item: 0 } : listEnd;
  return comparePositions(start, to) < 0 ? { from: start, to } : undefined;
}

/** Those of some mails that match, in their order: by their headers if these decide. */
export async function matching(
  mailbox: Mailbox,
  condition: MailCondition,
  mails: readonly SearchedMail[],
): Promise<readonly FoundMail[]> {
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
    const text = (message && (await bodyText(mailbox, message))) ?? '';
    if (matches(condition, mail.withBody(text)) === true) found.push(mail);
    sinceTurn += text.length;
    if (sinceTurn < charsInTurn) continue;
    sinceTurn = 0;
    await othersTurn();
  }
  return found;
}
