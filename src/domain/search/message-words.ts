import { setImmediate as othersTurn } from 'node:timers/promises';
import type { ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import type { Mailbox } from '../mailbox.ts';
import type { Message } from '../sync.ts';
import { bodyText, readableMessages } from './body-text.ts';
import { indexWords } from './index-words.ts';
import { SearchedMail } from './match.ts';
import { SearchField } from './query.ts';
import { searchable } from './text.ts';

/** An item and its words, each with the fields it is in (OR of SearchField); undefined if an index cannot know them. */
export interface ItemWords {
  readonly item: Item;
  readonly words: ReadonlyMap<string, number> | undefined;
}

/** So many bodies are read together. */
const bodiesTogether = 8;
/** So many words are gathered before others have their turn. */
const wordsInTurn = 8192;
/** A message with more words that differ is left to itself: an index is not filled with what nobody wrote. */
const mostWords = 65_536;

const headerFields = Object.values(SearchField).filter((field) => field !== SearchField.Body);

/** Gives the words of some items, in their order. Those of what cannot be read, or has too many, are not known. */
export async function* wordsOf(mailbox: Mailbox, items: readonly Item[]): AsyncGenerator<ItemWords> {
  for (let n = 0; n < items.length; n += bodiesTogether) {
    const some = items.slice(n, n + bodiesTogether);
    const messages = await readableMessages(mailbox.reader, some);
    for (const item of some) {
      yield { item, words: await wordsOfItem(mailbox, item, messages) };
      await othersTurn();
    }
  }
}

async function wordsOfItem(
  mailbox: Mailbox,
  item: Item,
  messages: ReadonlyMap<ItemId, Message>,
): Promise<ReadonlyMap<string, number> | undefined> {
  const message = messages.get(item.id);
  const text = message && (await bodyText(mailbox, message));
  if (text === undefined) return undefined;
  const mail = new SearchedMail(item);
  const words = new Map<string, number>();
  let sinceTurn = 0;
  const gather = async (from: string, field: number) => {
    for (const word of indexWords(from)) {
      words.set(word, (words.get(word) ?? 0) | field);
      if (words.size > mostWords) return;
      sinceTurn++;
      if (sinceTurn < wordsInTurn) continue;
      sinceTurn = 0;
      await othersTurn();
    }
  };
  for (const field of headerFields) await gather(mail.text(field) ?? '', field);
  await gather(searchable(text), SearchField.Body);
  return words.size > mostWords ? undefined : words;
}
