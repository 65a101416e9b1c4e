import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { MessageIndexer } from './index-message.ts';
import { readSearchText } from './search-text.ts';

async function textOf(message: string | Buffer): Promise<string> {
  const raw = Buffer.from(message);
  const indexer = new MessageIndexer();
  indexer.write(raw);
  return await readSearchText(indexer.end(), async ({ start, end }, maxBytes) =>
    raw.subarray(start, Math.min(end, start + maxBytes)),
  );
}

const part = (type: string, body: string, encoding = '7bit') =>
  `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}\r\n`;
const parts = (kind: string, ...of: string[]) =>
  `MIME-Version: 1.0\r\nContent-Type: multipart/${kind}; boundary=b\r\n\r\n${of.map((one) => `--b\r\n${one}`).join('')}--b--\r\n`;

test('a plain text is decoded', async () => {
  const base64 = Buffer.from('Grüße').toString('base64');
  expect(await textOf(part('text/plain; charset=utf-8', base64, 'base64'))).toContain('Grüße');
});

test('of HTML the text is taken that people see', async () => {
  const html =
    '<style>hidden1</style><p class="hidden2">seen<!--hidden3--> &auml;</p><script>hidden4</script>';
  const text = await textOf(part('text/html; charset=utf-8', html));
  expect(text).toContain('seen ä');
  expect(text).not.toContain('hidden');
});

test.each([
  ['informaci&oacute;n, S&atilde;o Paulo, p&ecirc;che', 'información, São Paulo, pêche'],
  ['&AElig;r&oslash;, &Aring;se, &THORN;&oacute;r', 'Ærø, Åse, Þór'],
  ['&#321;&oacute;d&#x17a; &Lstrok;&oacute;d&zacute;', 'Łódź Łódź'],
  ['&Sigma;&omicron;&phi;&#943;&alpha;', 'Σοφία'],
  ['it&#146;s &#147;so&#148;', 'it’s “so”'],
  ['Donau&shy;dampf&nbsp;schiff', 'Donaudampf schiff'],
  ['m&sup2; &frac12; &euro; &nothing; &amp;amp; &#xd800;&#9999999;.', 'm² ½ € &nothing; &amp; .'],
])('of HTML character references are read: %s', async (html, text) => {
  expect(await textOf(part('text/html; charset=utf-8', `<p>${html}</p>`))).toContain(text);
});

test('of two ways to say the same the one is taken that people see', async () => {
  const text = await textOf(
    parts('alternative', part('text/plain', 'first'), part('text/html', '<p>second</p>')),
  );
  expect(text).toContain('second');
});

test('all parts of a text are taken, and no attachment', async () => {
  const file = `Content-Disposition: attachment; filename=a.txt\r\n${part('text/plain', 'third')}`;
  const text = await textOf(parts('mixed', part('text/plain', 'first'), part('text/plain', 'second'), file));
  expect(text).toContain('first');
  expect(text).toContain('second');
  expect(text).not.toContain('third');
});

test('of a large text the beginning is taken, and no more is read', async () => {
  const message = part('text/plain', `begin ${'x'.repeat(3 * 1024 * 1024)} end`);
  const raw = Buffer.from(message);
  const indexer = new MessageIndexer();
  indexer.write(raw);
  let readBytes = 0;
  const text = await readSearchText(indexer.end(), async ({ start, end }, maxBytes) => {
    const bytes = raw.subarray(start, Math.min(end, start + maxBytes));
    readBytes += bytes.length;
    return bytes;
  });
  expect(text.startsWith('begin x')).toBe(true);
  expect(text.length).toBe(256 * 1024);
  expect(readBytes).toBe(1024 * 1024);
});

test('what cannot be read is told', async () => {
  const indexer = new MessageIndexer();
  indexer.write(Buffer.from(part('text/plain', 'x')));
  const fault = () => Promise.reject(new Error('gone'));
  await expect(readSearchText(indexer.end(), fault)).rejects.toThrow('gone');
});
