/**
 * What somebody has typed into a search field, with the quotes, colons and parentheses that keyboards make as they are meant, and without
 * marks of direction.
 */
export function typed(text: string): string {
  return text
    .replaceAll(/[\u201c-\u201f\u00ab\u00bb\u301d-\u301f\uff02]/g, '"')
    .replaceAll('\uff1a', ':')
    .replaceAll('\uff08', '(')
    .replaceAll('\uff09', ')')
    .replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '');
}
