/**
 * RFC 3676 §4.2: joins the lines that a format=flowed text was broken into. A line that ends in a
 * space goes on in the next one of the same quote depth; with `delsp` that space goes. Line ends
 * become CR LF.
 */
export function unflow(text: string, delsp: boolean): string {
  const out: string[] = [];
  let open = false;
  let openDepth = 0;
  for (const raw of text.split(/\r?\n/)) {
    const depth = quoteDepth(raw);
    let line = raw.slice(depth);
    // §4.4: one stuffed space is the format's, not the text's.
    if (line.startsWith(' ')) line = line.slice(1);
    const isSignature = line === '-- ';
    const isFlowed = line.endsWith(' ') && !isSignature;
    if (isFlowed && delsp) line = line.slice(0, -1);
    if (open && depth === openDepth && !isSignature) {
      out.push(line);
    } else {
      if (out.length > 0) out.push('\r\n');
      out.push(depth === 0 ? line : `${'>'.repeat(depth)} ${line}`);
    }
    open = isFlowed;
    openDepth = depth;
  }
  return out.join('');
}

function quoteDepth(line: string): number {
  let depth = 0;
  while (line[depth] === '>') depth++;
  return depth;
}
