/**
 * A text without these characters at its end. In time that grows with the text: a pattern would look for the end of a run
 * from each of its characters.
 */
export function withoutAtEnd(characters: string, text: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}
