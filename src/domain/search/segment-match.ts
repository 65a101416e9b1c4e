import { termsOf } from './index-words.ts';
import type { IndexSegment, SegmentItems } from './mail-index.ts';
import type { MailCondition, TextCondition } from './query.ts';

/** What an index says of an item: no, perhaps (the message decides), yes. */
const no = 0;
const perhaps = 1;
const yes = 2;

/** What a segment says of its items, by their numbers. */
export interface SegmentMatch {
  /** Of the whole condition. */
  readonly answers: Uint8Array;
  /** Of one text in it, and one item. */
  known(condition: TextCondition, item: number): boolean | undefined;
}

/** Asks a segment about a condition. `wanted` is 1 for the items that are asked about; of the others the answer is no. */
export async function matchSegment(
  condition: MailCondition,
  segment: IndexSegment,
  items: SegmentItems,
  wanted: Uint8Array,
): Promise<SegmentMatch> {
  const texts = new Map<TextCondition, Uint8Array>();
  const answers = await answersOf(condition, { segment, items, texts });
  for (const [n, isWanted] of wanted.entries()) if (isWanted === 0) answers[n] = no;
  return {
    answers,
    known: (text, item) => {
      const answer = texts.get(text)?.[item] ?? perhaps;
      return answer === perhaps ? undefined : answer === yes;
    },
  };
}

interface Asked {
  readonly segment: IndexSegment;
  readonly items: SegmentItems;
  readonly texts: Map<TextCondition, Uint8Array>;
}

async function answersOf(condition: MailCondition, asked: Asked): Promise<Uint8Array> {
  const { receivedMs } = asked.items;
  switch (condition.kind) {
    case 'text':
      return (await textAnswers(condition, asked)).slice();
    case 'and':
      return await allOf(condition.of, asked);
    case 'or':
      return await oneOf(condition.of, asked);
    case 'not':
      return (await answersOf(condition.of, asked)).map((answer) => yes - answer);
    case 'received':
      return Uint8Array.from(receivedMs, (ms) =>
        ms >= condition.fromMs && ms < condition.untilMs ? yes : no,
      );
    default:
      return new Uint8Array(receivedMs.length).fill(perhaps);
  }
}

async function allOf(of: readonly MailCondition[], asked: Asked): Promise<Uint8Array> {
  const answers = new Uint8Array(asked.items.ids.length).fill(yes);
  for (const one of of) {
    const others = await answersOf(one, asked);
    let isSome = false;
    for (const [n, answer] of others.entries()) {
      if (answer < (answers[n] ?? no)) answers[n] = answer;
      if (answers[n] !== no) isSome = true;
    }
    if (!isSome) break;
  }
  return answers;
}

async function oneOf(of: readonly MailCondition[], asked: Asked): Promise<Uint8Array> {
  const answers = new Uint8Array(asked.items.ids.length);
  for (const one of of) {
    const others = await answersOf(one, asked);
    for (const [n, answer] of others.entries()) if (answer > (answers[n] ?? no)) answers[n] = answer;
  }
  return answers;
}

/** A text that stands twice in the condition is looked up once. */
async function textAnswers(condition: TextCondition, asked: Asked): Promise<Uint8Array> {
  const known = asked.texts.get(condition);
  if (known !== undefined) return known;
  const { terms, isExact } = termsOf(condition.pattern);
  const { isDoubtful } = asked.items;
  const fields = new Uint8Array(isDoubtful.length).fill(condition.fields);
  for (const term of terms) {
    const found = await asked.segment.fields(term);
    let isSome = false;
    for (const [n, bits] of found.entries()) {
      const both = (fields[n] ?? 0) & bits;
      fields[n] = both;
      if (both !== 0) isSome = true;
    }
    if (!isSome) break;
  }
  const answers = fields.map((bits, n) => {
    if (isDoubtful[n] === 1) return perhaps;
    return bits === 0 ? no : isExact ? yes : perhaps;
  });
  asked.texts.set(condition, answers);
  return answers;
}
