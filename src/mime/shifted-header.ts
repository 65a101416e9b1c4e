import { Buffer } from 'node:buffer';
import { decodeUnlabelled } from './charset.ts';

const esc = '\u001b';

/**
 * A header value (one character per byte) whose raw ISO-2022-JP (RFC 1468), as programs wrote it before there were encoded
 * words, is UTF-8 instead: its characters have bytes that would be taken for quotes, commas and brackets.
 */
export function withoutShifts(value: string): string {
  if (!value.includes(`${esc}$`)) return value;
  const [before = '', ...pieces] = value.split(esc);
  return before + pieces.map(readable).join('');
}

/** What stands between one escape and the next. */
function readable(piece: string): string {
  if (/^\([BJ]/.test(piece)) return piece.slice(2);
  const [run, text] = /^\$[@B]([!-~]*)/.exec(piece) ?? [];
  if (run === undefined) return esc + piece;
  const decoded = decodeUnlabelled(Buffer.from(`${esc}$B${text}${esc}(B`, 'latin1'));
  return Buffer.from(decoded, 'utf8').toString('latin1') + piece.slice(run.length);
}
