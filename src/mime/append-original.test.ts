import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { type Addition, withOriginal, withThread } from './append-original.ts';
import { readBody } from './body.ts';
import { threadIndexOfAnswer } from './conversation.ts';
import { MessageIndexer } from './index-message.ts';

const header = {
  from: [{ name: 'Eva', address: 'eva@example.org' }],
  to: [],
  cc: [{ name: '', address: 'c@example.org' }],
  subject: 'Über',
  sentMs: Date.parse('2026-11-16T09:00:00Z'),
  messageId: '<o@x>',
  references: [],
};

async function join(own: string, original: string, files: Addition['files'] = 'all') {
  let count = 0;
  const boundary = () => `new${count++}`;
  const addition = { raw: Buffer.from(original, 'latin1'), header, files, boundary };
  const raw = Buffer.concat(await withOriginal(Buffer.from(own, 'latin1'), addition));
  const indexer = new MessageIndexer();
  indexer.write(raw);
  const index = indexer.end();
  const text = async (kind: 'plain' | 'html') =>
    (await readBody(index, kind, async ({ start, end }) => raw.subarray(start, end))).text;
  return {
    raw: raw.toString('latin1'),
    types: index.parts.map(({ type }) => type),
    ids: index.parts.map(({ contentId }) => contentId),
    plain: await text('plain'),
    html: await text('html'),
  };
}

const thread = (raw: string, more = {}) =>
  Buffer.concat(withThread(Buffer.from(raw), { ...header, ...more })).toString();

test('a message joins the thread of the original, unless it says itself where it belongs', () => {
  expect(thread('To: a@b\n\nx')).toBe('To: a@b\nIn-Reply-To: <o@x>\nReferences: <o@x>\n\nx');
  expect(thread('\r\nx', { references: ['<r@x>', 'no id'] })).toContain('References: <r@x>\r\n <o@x>\r\n');
  expect(thread('\r\nx', { inReplyTo: '<p@x>' })).toContain('References: <p@x>\r\n <o@x>\r\n');
  expect(thread('References: <m@x>\r\n\r\nx')).toBe('References: <m@x>\r\nIn-Reply-To: <o@x>\r\n\r\nx');
  expect(thread('\r\nx', { messageId: '<a@b>\r\nBcc: c@d' })).toBe('\r\nx');
});

test('a message gets the Thread-Index of an answer, unless it has one', () => {
  const guid = Buffer.alloc(16, 7);
  const answer = (atMs: number, conversationIndex: Uint8Array) =>
    threadIndexOfAnswer({ conversationId: guid, conversationIndex }, { atMs, randomByte: 0xa5 });
  const began = Date.parse('2026-11-16T09:00:00Z');
  const filetime = (BigInt(began) + 11_644_473_600_000n) * 10_000n;
  const first = Buffer.alloc(8);
  first.writeBigUInt64BE(filetime & ~0xffffn);
  const head = first.subarray(1, 6);
  expect(answer(began, head).subarray(0, 22)).toEqual(Buffer.concat([first.subarray(0, 6), guid]));
  // MS-OXOMSG, PidTagConversationIndex: units of 2^18 times 100 ns; beyond 1.7 years of 2^23, with the first bit set.
  expect(answer(began + 26_214_400, head).readUInt32BE(22)).toBe(1_000_000);
  expect(answer(began + 1_000 * 86_400_000, head).readUInt32BE(22)).toBe(0x8000_0000 + 102_996_826);
  expect(answer(began - 5_000, head).readUInt32BE(22)).toBe(0);
  expect(answer(began, head)[26]).toBe(0xa5);
  expect(answer(began, Buffer.concat([head, Buffer.alloc(2_000)]))).toHaveLength(22 + 500);
  const threadIndex = answer(began, head);
  expect(thread('\r\nx', { threadIndex })).toContain(`Thread-Index: ${threadIndex.toString('base64')}\r\n`);
  expect(thread('Thread-index: own\r\n\r\nx', { threadIndex }).match(/thread-index/gi)).toHaveLength(1);
});

test('a text that a signature covers stays, wherever it stands', async () => {
  const own =
    'Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n' +
    '--s\r\n\r\nSigned\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n--m--\r\n';
  expect((await join(own, 'Subject: x\r\n\r\ny')).raw).toBe(own);
});

test('a picture that is called a mere file stays in its text', async () => {
  const original =
    'Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src="cid:p@x">\r\n' +
    '--b\r\nContent-Type: application/octet-stream; name=p.png\r\nContent-ID: <p@x>\r\n\r\nPNG\r\n--b--\r\n';
  const { types } = await join('Content-Type: text/html\r\n\r\n<p>A</p>', original, 'pictures');
  expect(types).toEqual(['multipart/related', 'text/html', 'application/octet-stream']);
});

test('texts are decoded and joined, whatever charset and form they are in', async () => {
  const own = 'Content-Type: text/plain; charset=utf-8; format=flowed\n\nOne \nline \xc3\xa9\n';
  const { plain, raw } = await join(own, 'Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xe8');
  expect(plain).toBe(
    'One line é\r\n\r\n\r\n-----Original Message-----\r\nFrom: "Eva" <eva@example.org>\r\n' +
      'Sent: Mon, 16 Nov 2026 09:00:00 +0000\r\nTo: \r\nCc: c@example.org\r\nSubject: Über\r\n\r\nè',
  );
  expect(raw.match(/content-type/gi)).toHaveLength(1);
});

test('a text that everybody reads behind the HTML does not get the original a second time', async () => {
  const own =
    'Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html\r\nContent-ID: <h@x>\r\n\r\n<p>A</p>\r\n--m\r\n\r\nlist\r\n--m--\r\n';
  const { html, types, ids } = await join(own, 'Subject: x\r\n\r\n1 < 2');
  expect(html.match(/1 &lt; 2/g)).toHaveLength(1);
  expect(html).toContain('Subject: Über');
  expect([types, ids[1]]).toEqual([['multipart/mixed', 'text/html', 'text/plain'], 'h@x']);
});

test('only one document is around both, and the marks of the inner one are gone', async () => {
  const own = 'Content-Type: text/html\r\n\r\n<html><BODY bgcolor=red>A</BODY ></html>';
  const inner = '<!DOCTYPE html><html lang=de><head><style>p{}</style></head><body>B</body></html>';
  const { html } = await join(own, `Content-Type: text/html\r\n\r\n${inner}`);
  expect(html).toMatch(/^<html><BODY bgcolor=red>A<br><hr>[\s\S]*<style>p\{\}<\/style>B<\/BODY ><\/html>$/);
  expect(html.match(/<body/gi)).toHaveLength(1);
});

test('what is encrypted stays as it is', async () => {
  const own = 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nabc';
  expect((await join(own, 'Subject: x\r\n\r\ny')).raw).toBe(own);
});

test('a picture shown goes along in its text; lines of the original are never delimiters', async () => {
  const own =
    'Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nA\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>A\r\n--a--\r\n';
  const original =
    'Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<img src=cid:p%26@x>\r\n--a\r\n' +
    '\r\n--r\r\nContent-Type: image/png\r\nContent-ID: <p&@x>\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xff\r\n--r--\r\n';
  const { types, raw } = await join(own, original.replace('%26@', '%26%40'), 'pictures');
  expect(types).toEqual([
    'multipart/alternative',
    'text/plain',
    'multipart/related',
    'text/html',
    'image/png',
  ]);
  expect(raw).toContain('\tboundary="new0"\r\nContent-Transfer-Encoding: 8bit\r\n');
});

test('hostile HTML costs no more than its length', async () => {
  const hostile = '<html <body </body cid:cid: '.repeat(40_000);
  const { html } = await join(
    `Content-Type: text/html\r\n\r\n${hostile}`,
    `Content-Type: text/html\r\n\r\n${hostile}`,
  );
  expect(html.length).toBeGreaterThan(2 * hostile.length);
});
