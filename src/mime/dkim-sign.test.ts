import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, test } from 'vitest';
import {
  authorDomains,
  type DkimSigningKey,
  digestMessage,
  dkimSignatureField,
  isInAuthors,
  signatureRecords,
} from './dkim-sign.ts';

const domain = 'example.com';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const keys: readonly DkimSigningKey[] = [
  { domain, selector: 'r', algorithm: 'rsa-sha256', privateKey: rsa.privateKey },
  { domain, selector: 'e', algorithm: 'ed25519-sha256', privateKey: ed25519.privateKey },
];
const der = { format: 'der', type: 'spki' } as const;
const zone: Readonly<Record<string, string>> = {
  'r._domainkey.example.com': `v=DKIM1; k=rsa; p=${rsa.publicKey.export(der).toString('base64')}`,
  'e._domainkey.example.com': `v=DKIM1; k=ed25519; p=${ed25519.publicKey.export(der).subarray(-32).toString('base64')}`,
};
const nowMs = Date.UTC(2026, 10, 22);

async function* inChunks(raw: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < raw.length; at += length) yield raw.subarray(at, at + length);
}

/** What a client that sends DATA puts on the wire, dots left alone. RFC 5321 §2.3.8. */
function onTheWire(raw: Uint8Array): Buffer {
  const text = Buffer.from(raw)
    .toString('latin1')
    .replace(/\r\n?|\n/g, '\r\n');
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}

async function sign(raw: Uint8Array, chunk = 65_536): Promise<string> {
  const digest = await digestMessage(inChunks(raw, chunk));
  return (await Promise.all(keys.map((key) => dkimSignatureField(digest, key, nowMs)))).join('');
}

async function results(message: Uint8Array): Promise<readonly string[]> {
  const { results: all } = await dkimVerify(Buffer.from(message), {
    curTime: new Date(nowMs),
    strict: true,
    resolver: async (name) => [[zone[name] ?? '']],
  });
  return all.map(({ status: { result, comment } }) => `${result}${comment ? ` ${comment}` : ''}`);
}

const passed = ['pass', 'pass'];

const folder = new URL('../../test/fixtures/mail/', import.meta.url);
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.eml'));

describe('both signatures pass for', () => {
  test.each(fixtures)('%s', async (name) => {
    const raw = Buffer.concat([Buffer.from('Received: by x\r\n'), readFileSync(new URL(name, folder))]);
    const fields = await sign(raw);
    expect(await results(Buffer.concat([Buffer.from(fields), onTheWire(raw)]))).toEqual(passed);
    expect(await sign(raw, 1)).toMatch(
      /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed; d=example\.com;\r\n/,
    );
  });

  const from = 'From: Ann <ann@example.com>\r\n';
  test.each([
    ['a body without its last line end', `${from}\r\nText`],
    ['an empty body', `${from}\r\n`],
    ['no body at all', from],
    ['a body of empty lines', `${from}\r\n\r\n\r\n \t\r\n`],
    ['empty lines and blanks at the end', `${from}\r\nText  \t \r\n\r\n \r\n\r\n`],
    ['empty lines at the beginning', `${from}\r\n\r\n\r\n \r\nText\r\n`],
    ['blanks of all kinds', `${from}\r\n a\t\t b  c \t\r\n\td\r\n`],
    [
      'bare CR and LF, which the wire turns into line ends',
      `${from}Subject: a\n b\n\nOne\nTwo\rThree\r\r\nFour\r`,
    ],
    ['lines with dots', `${from}\r\n.\r\n..\r\n. a\r\n`],
    ['a very long line', `${from}\r\n${'x'.repeat(200_000)} ${'y'.repeat(200_000)}\r\n`],
    [
      '8-bit text in header and body',
      `${from}Subject: Gr\u00fc\u00dfe \u20ac\r\n\r\nGr\u00fc\u00dfe \u20ac\r\n`,
    ],
    [
      'folded fields, with blanks before the colon and around the folds',
      `${from}Subject : \r\n  a \t \r\n\t b  \r\nTo:\r\n bob@one.example,\r\n\tcarol@two.example\r\n\r\nText\r\n`,
    ],
    [
      'a field that stands several times',
      `${from}List-Id: one\r\nTo: a@one.example\r\nList-Id: two\r\nTo: b@one.example\r\n\r\nText\r\n`,
    ],
    ['a very long header', `${from}X-Long: ${'x'.repeat(200_000)}\r\n\r\nText\r\n`],
    ['many line ends within the text', `${from}\r\nOne${'\r\n'.repeat(5_000)}Two${'\r\n'.repeat(5_000)}`],
  ])('%s', async (_what, text) => {
    const raw = Buffer.from(text);
    for (const length of [65_536, 7, 2, 1]) {
      const fields = await sign(raw, length);
      expect(await results(Buffer.concat([Buffer.from(fields), onTheWire(raw)]))).toEqual(passed);
    }
  });

  test('25 MB, read in chunks', async () => {
    const line = Buffer.from(`${randomBytes(57).toString('base64')}\r\n`);
    const raw = Buffer.concat([Buffer.from(`${from}\r\n`), ...Array.from({ length: 330_000 }, () => line)]);
    const fields = await sign(raw);
    expect(await results(Buffer.concat([Buffer.from(fields), raw]))).toEqual(passed);
  }, 60_000);
});

const message = 'From: ann@example.com\r\nTo: bob@one.example\r\nSubject: Hello\r\nDate: now\r\n\r\nText\r\n';

test.each([
  ['a second From', (text: string) => `From: eve@evil.example\r\n${text}`],
  ['a From below', (text: string) => text.replace('\r\n\r\n', '\r\nFrom: eve@evil.example\r\n\r\n')],
  ['a Reply-To', (text: string) => `Reply-To: eve@evil.example\r\n${text}`],
  ['a Cc', (text: string) => `Cc: eve@evil.example\r\n${text}`],
  ['a second Date', (text: string) => `Date: then\r\n${text}`],
  ['a Content-Type', (text: string) => `Content-Type: text/html\r\n${text}`],
  ['another Subject', (text: string) => text.replace('Hello', 'Help')],
  ['another text', (text: string) => text.replace('Text', 'Test')],
  ['more text', (text: string) => `${text}More\r\n`],
])('%s breaks both signatures', async (_what, change) => {
  const signed = (await sign(Buffer.from(message))) + message;
  expect(await results(Buffer.from(change(signed)))).not.toContain('pass');
});

test('what a mailing list or a server on the way adds breaks nothing', async () => {
  const fields = await sign(Buffer.from(message));
  const more = `Received: by y\r\nList-Id: <list.example>\r\nX-Spam: no\r\n${fields}${message}`;
  expect(await results(Buffer.from(more))).toEqual(passed);
});

test('no line of a signature is longer than 78 characters, and none names a body length', async () => {
  const fields = await sign(Buffer.from(`${'Cc: a@one.example\r\n'.repeat(40)}${message}`));
  expect(Math.max(...fields.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(78);
  expect(fields).not.toMatch(/\bl=/);
});

test('a header beyond its bound is refused', async () => {
  const raw = Buffer.from(`From: ann@example.com\r\nX-Long: ${'x'.repeat(1_100_000)}\r\n\r\nText\r\n`);
  await expect(sign(raw)).rejects.toThrow(RangeError);
});

test('the authors are those of every From field; a mailbox without domain is told', async () => {
  const raw =
    'From: Ann <ann@Example.COM>, "x@y" <b@b\u00fccher.example>\r\nFROM: nobody\r\nSender: c@c.example\r\n\r\n';
  const digest = await digestMessage(inChunks(Buffer.from(raw), 10));
  expect(authorDomains(digest)).toEqual(['example.com', 'xn--bcher-kva.example', undefined]);
});

test.each([
  ['Ann <ann@example.com>', true],
  ['ann@EXAMPLE . com', true],
  ['ann@example.(a (b) c)com', true],
  ['ann@example.com (x', true],
  ['x@other.example (ann@example.com', true],
  ['<x@other.example> <ann@example.com>', true],
  ['ann@\uff45xample\u3002com', true],
  ['Ann <ann@other.example>', false],
])('whether %s may be read as the domain: %s', async (from, expected) => {
  const digest = await digestMessage(inChunks(Buffer.from(`From: ${from}\r\n\r\n`), 10));
  expect(isInAuthors(digest, 'example.com')).toBe(expected);
});

test('a domain that is written in its own script is found', async () => {
  const digest = await digestMessage(inChunks(Buffer.from('From: b@b\u00fccher. example\r\n\r\n'), 10));
  expect(isInAuthors(digest, 'xn--bcher-kva.example')).toBe(true);
});

test('the signatures in a message are told by the records they refer to', async () => {
  const raw = `DKIM-Signature: v=1; d=Other.example;\r\n s= one ; b=a=\r\nDKIM-Signature: nonsense\r\n${message}`;
  const digest = await digestMessage(inChunks(Buffer.from(raw), 10));
  expect(signatureRecords(digest)).toEqual(['one._domainkey.other.example', '._domainkey.']);
});

test('with a known hash of the body only the header is read', async () => {
  const raw = Buffer.from(`From: a@${domain}\r\nSubject: long\r\n\r\n${'line of text \r\n'.repeat(10_000)}`);
  const { fields, bodyHash } = await digestMessage(inChunks(raw, 1_000));
  let read = 0;
  let isEnded = false;
  async function* counted() {
    try {
      for await (const chunk of inChunks(raw, 20)) {
        read += chunk.length;
        yield chunk;
      }
    } finally {
      isEnded = true;
    }
  }
  expect(await digestMessage(counted(), bodyHash)).toEqual({ fields, bodyHash });
  expect(read).toBeLessThan(80);
  expect(isEnded).toBe(true);
  const headerOnly = Buffer.from('Subject: no body');
  expect(await digestMessage(inChunks(headerOnly, 5), 'known')).toEqual({
    ...(await digestMessage(inChunks(headerOnly, 5))),
    bodyHash: 'known',
  });
});
