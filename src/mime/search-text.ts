import { type BodyIndex, nativeBodyKind, type ReadPart } from './body.ts';
import { descriptionOf } from './calendar/description.ts';
import { decodeTextInside } from './decode-part.ts';
import { dropHidden } from './hidden-html.ts';
import { stripHtml } from './strip-html.ts';

/** Of one message so many encoded bytes are read, and so many characters of its text are looked at. */
const maxEncodedBytes = 1024 * 1024;
const maxChars = 256 * 1024;

/**
 * The text of a message for finding words in it, at most 256 Ki characters: the kind of body that people see, HTML without
 * tags and what nobody reads. Line ends and layout are as they come. Rejects when `readPart` does.
 */
export async function readSearchText(index: BodyIndex, readPart: ReadPart): Promise<string> {
  const pieces: string[] = [];
  let roomBytes = maxEncodedBytes;
  for (const number of nativeBodyKind(index) === 'html' ? index.html : index.text) {
    const part = index.parts[number];
    if (part === undefined || roomBytes <= 0) continue;
    const encoded = await readPart(part, part.inside === undefined ? roomBytes : Number.POSITIVE_INFINITY);
    roomBytes -= encoded.length;
    const { text } = await decodeTextInside(part, encoded, maxChars);
    pieces.push(wordsOf(part.type, text));
  }
  return pieces.join('\n').slice(0, maxChars);
}

function wordsOf(type: string, text: string): string {
  if (type === 'text/html') return stripHtml(dropHidden(text));
  return type === 'text/calendar' ? descriptionOf(text) : text;
}
