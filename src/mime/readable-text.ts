import { descriptionOf } from './calendar/description.ts';
import { unenriched } from './enriched.ts';
import { unflow } from './flowed.ts';
import { toCrLf } from './html.ts';

/** RFC 1896, RFC 7763: texts that people write in a form of their own, and that others can read as they are or nearly so. */
const readable: ReadonlySet<string> = new Set([
  'text/plain',
  'text/html',
  'text/enriched',
  'text/richtext',
  'text/markdown',
  'text/x-markdown',
]);

/** Whether a text of this type is shown as the body of a message. */
export function isReadableText(type: string): boolean {
  return readable.has(type);
}

/** A decoded text that is no HTML, as plain text with CR LF line ends; of a calendar its description. */
export function plainTextOf(
  { type, flowed }: { readonly type: string; readonly flowed?: 'flowed' | 'delsp' | undefined },
  text: string,
): string {
  if (type === 'text/enriched' || type === 'text/richtext') return toCrLf(unenriched(text));
  if (type === 'text/calendar') return toCrLf(descriptionOf(text));
  return flowed === undefined ? toCrLf(text) : unflow(text, flowed === 'delsp');
}
