import { Buffer } from 'node:buffer';
import { setImmediate as othersTurn } from 'node:timers/promises';
import sanitize from 'sanitize-html';
import { cleanCss } from './clean-css.ts';
import { htmlPieces } from './html-pieces.ts';
import { allowedTags, htmlRules, maxDepth, textlessTags } from './html-rules.ts';
import { openAfterPlain } from './plain-html.ts';

/** So much is cleaned before others have their turn: some milliseconds of work, however deep it nests. */
const turnChars = 8 * 1024;
/** So much is cleaned at a time where HTML is plain, and so much where it is not and calls of sanitize-html are to be few. */
const [leastPieceChars, mostPieceChars] = [1024, 8 * 1024];
/** Where so many elements are open, each call is dear. */
const manyOpen = 100;

/** HTML that was cleaned, perhaps not to its end. */
interface CleanHtml {
  readonly html: string;
  /** False when cleaning stopped because there was enough. */
  readonly isWhole: boolean;
}

/**
 * HTML without what a reader must not run or fetch unseen: scripts, event handlers, script URLs, forms, frames, objects, SVG,
 * styles from elsewhere, refreshing, comments. It calls itself UTF-8. Cleaning stops soon after `maxBytes` bytes of UTF-8
 * are there. Others have their turn between two pieces of the work, whose time is in proportion to the length.
 */
export async function cleanHtml(
  html: string,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Promise<CleanHtml> {
  const clean: string[] = [doctypeOf(html)];
  const cleaner = new PieceCleaner();
  let bytes = 0;
  let sinceTurn = 0;
  for (const piece of htmlPieces(html, () => cleaner.pieceChars)) {
    if (bytes > maxBytes) return { html: clean.join(''), isWhole: false };
    if (sinceTurn + piece.readChars > turnChars) {
      await othersTurn();
      sinceTurn = 0;
    }
    const text = piece.kind === 'style' ? cleaner.style(piece.tag, piece.html) : cleaner.markup(piece.html);
    clean.push(text);
    bytes += Buffer.byteLength(text);
    sinceTurn += piece.readChars;
  }
  return { html: clean.join('') + cleaner.end(), isWhole: true };
}

/** Whether a document is laid out by the standard depends on its first line; only such as say nothing else are kept. */
function doctypeOf(html: string): string {
  const [doctype = ''] =
    /^\s{0,100}<!doctype\s+html(?:\s+public\s+"[\w\s/.+-]{0,80}"(?:\s+"https?:\/\/www\.w3\.org\/[\w./-]{0,80}")?)?\s*>/i.exec(
      html,
    ) ?? [];
  return doctype.trim();
}

/** A name that no document has: where it stands among the tags of a piece, the piece ends. */
const endMark = 'mailstead-end-of-piece';

/**
 * Cleans a document piece by piece. Each piece begins inside the elements that the one before left open, and each is
 * cleaned on its own: wherever the pieces were cut, nothing gets through that would not alone.
 */
class PieceCleaner {
  /** The elements that are open, outermost first. */
  #open: readonly string[] = [];
  #pieceChars = leastPieceChars;

  /** How long the next piece should be. */
  get pieceChars(): number {
    return this.#open.length > manyOpen ? mostPieceChars : this.#pieceChars;
  }

  style(tag: string, css: string): string {
    if (this.#isTextless()) return '';
    const [media = ''] =
      /\smedia\s*=\s*(?:"[\w\s():,.-]{1,200}"|[\w-]{1,40})/i.exec(tag.slice(0, 1024)) ?? [];
    return `<style${media}>${cleanCss(css)}</style>`;
  }

  markup(html: string): string {
    if (html === '') return '';
    const before = this.#open;
    const plain = this.#isTextless() ? undefined : openAfterPlain(html, before);
    if (plain !== undefined) {
      this.#open = plain;
      this.#pieceChars = leastPieceChars;
      return html;
    }
    this.#pieceChars = Math.min(mostPieceChars, 2 * this.#pieceChars);
    return this.#sanitized(html, before);
  }

  #sanitized(html: string, before: readonly string[]): string {
    const open: string[] = [];
    let after: readonly string[] | undefined;
    const clean = sanitize(`${before.map((name) => `<${name}>`).join('')}${html}<${endMark}>`, {
      ...htmlRules,
      onOpenTag: (name) => {
        if (name === endMark) after = [...open];
        open.push(name);
      },
      onCloseTag: () => {
        open.pop();
      },
    });
    this.#open = (after ?? []).slice(0, maxDepth);
    return within(clean, shownOf(before), shownOf(after ?? []));
  }

  /** The end tags of what is still open. */
  end(): string {
    return endTags(shownOf(this.#open));
  }

  #isTextless(): boolean {
    return this.#open.some((name) => textlessTags.has(name));
  }
}

/** Which of the open elements have tags in what was cleaned. */
function shownOf(open: readonly string[]): readonly string[] {
  const textless = open.findIndex((name) => textlessTags.has(name));
  return open.slice(0, textless < 0 ? maxDepth : textless).filter((name) => allowedTags.has(name));
}

function endTags(open: readonly string[]): string {
  return open
    .toReversed()
    .map((name) => `</${name}>`)
    .join('');
}

/** Without the start tags that were put before a piece, and the end tags that closed what it left open. */
function within(clean: string, before: readonly string[], after: readonly string[]): string {
  const start = before.map((name) => `<${name}>`).join('');
  const end = endTags(after);
  return clean.slice(
    clean.startsWith(start) ? start.length : 0,
    clean.endsWith(end) ? clean.length - end.length : clean.length,
  );
}
