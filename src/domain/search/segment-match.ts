import { type IndexTerm, termsOf } from './index-words.ts';
import type { IndexSegment } from './mail-index.ts';
import type { MailCondition, TextCondition } from './query.ts';

/** What an index says of an item: no, perhaps (the message decides), yes. */
const no = 0;
const perhaps = 1;
const yes = 2;

/** What a segment says of its items, by their numbers. */
interface SegmentMatch {
  /** Of the whole condition: 0 is no. */
  readonly answers: Uint8Array;
  /** Of one text in it, and one item. */
  known(condition: TextCondition, item: number): boolean | undefined;
}

/** Asks a segment about a condition; undefined if none of its items matches. */
export async function matchSegment(
  condition: MailCondition,
  segment: IndexSegment,
): Promise<SegmentMatch | undefined> {
  const texts = new Map<TextCondition, Uint8Array>();
  const answers = await answersOf(condition, { segment, texts });
  if (!isSome(answers)) return undefined;
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
  readonly texts: Map<TextCondition, Uint8Array>;
}

/** What is answered once is not changed: a text may stand twice in a condition. */
async function answersOf(condition: MailCondition, asked: Asked): Promise<Uint8Array> {
  switch (condition.kind) {
    case 'text':
      return await textAnswers(condition, asked);
    case 'and':
      return await allOf(condition.of, asked);
    case 'or':
      return await oneOf(condition.of, asked);
    case 'not':
      return (await answersOf(condition.of, asked)).map((answer) => yes - answer);
    case 'received':
      return await receivedAnswers(condition, asked.segment);
    default:
      return new Uint8Array(asked.segment.count).fill(perhaps);
  }
}

async function allOf(of: readonly MailCondition[], asked: Asked): Promise<Uint8Array> {
  const answers = new Uint8Array(asked.segment.count).fill(yes);
  for (const one of of) {
    const others = await answersOf(one, asked);
    for (let n = 0; n < answers.length; n++) answers[n] = Math.min(answers[n] ?? no, others[n] ?? no);
    if (!isSome(answers)) break;
  }
  return answers;
}

async function oneOf(of: readonly MailCondition[], asked: Asked): Promise<Uint8Array> {
  const answers = new Uint8Array(asked.segment.count);
  for (const one of of) {
    const others = await answersOf(one, asked);
    for (let n = 0; n < answers.length; n++) answers[n] = Math.max(answers[n] ?? no, others[n] ?? no);
  }
  return answers;
}

async function receivedAnswers(
  { fromMs, untilMs }: MailCondition & { readonly kind: 'received' },
  segment: IndexSegment,
): Promise<Uint8Array> {
  const answers = new Uint8Array(segment.count);
  if (segment.oldestMs >= untilMs || segment.newestMs < fromMs) return answers;
  if (segment.oldestMs >= fromMs && segment.newestMs < untilMs) return answers.fill(yes);
  const { receivedMs } = await segment.items();
  for (let n = 0; n < answers.length; n++) {
    const ms = receivedMs[n] ?? 0;
    answers[n] = ms >= fromMs && ms < untilMs ? yes : no;
  }
  return answers;
}

async function textAnswers(condition: TextCondition, asked: Asked): Promise<Uint8Array> {
  const known = asked.texts.get(condition);
  if (known !== undefined) return known;
  const { terms, isExact } = termsOf(condition.pattern);
  const answers = new Uint8Array(asked.segment.count);
  const fields = await fieldsOf(terms, condition.fields, asked.segment);
  if (fields !== undefined) {
    for (let n = 0; n < answers.length; n++) answers[n] = fields[n] === 0 ? no : isExact ? yes : perhaps;
  }
  for (const n of await asked.segment.doubtful()) answers[n] = perhaps;
  asked.texts.set(condition, answers);
  return answers;
}

/** Which of some fields hold all terms, by item; undefined if none does in any item. */
async function fieldsOf(
  terms: readonly IndexTerm[],
  wanted: number,
  segment: IndexSegment,
): Promise<Uint8Array | undefined> {
  const fields = new Uint8Array(segment.count).fill(wanted);
  for (const term of terms) {
    const found = await segment.fields(term);
    if (found === undefined) return undefined;
    for (let n = 0; n < fields.length; n++) fields[n] = (fields[n] ?? 0) & (found[n] ?? 0);
    if (!isSome(fields)) return undefined;
  }
  return fields;
}

function isSome(numbers: Uint8Array): boolean {
  for (let n = 0; n < numbers.length; n++) if (numbers[n] !== 0) return true;
  return false;
}
