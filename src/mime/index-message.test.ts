import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { mailFixtures } from '#test/fixtures/mail/load';
import { MessageIndexer } from './index-message.ts';
import type { MessageIndex } from './message-index.ts';
import { NameReader } from './name-reader.ts';
import { readPartHeader } from './part-header.ts';

function indexOf(raw: string | Buffer, chunkBytes = Number.MAX_SAFE_INTEGER): MessageIndex {
  const bytes = typeof raw === 'string' ? Buffer.from(raw.replace(/\r?\n/g, '\r\n'), 'latin1') : raw;
  const indexer = new MessageIndexer();
  for (let at = 0; at < bytes.length; at += chunkBytes) indexer.write(bytes.subarray(at, at + chunkBytes));
  return indexer.end(0);
}

describe('parts', () => {
  const nested = `Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/alternative; boundary=a-1

--a-1

text
--a-1
Content-Type: text/html

<p>html
--a-1--
--a
Content-Type: message/rfc822

Content-Type: multipart/mixed; boundary=inner
Subject: Inside

--inner

deep
--inner--
--a
Content-Type: message/rfc822

single
--a--
`;

  it('are numbered as IMAP numbers them', () => {
    const { parts } = indexOf(nested);
    expect(parts.map(({ path, type }) => `${path} ${type}`)).toEqual([
      'TEXT multipart/mixed',
      '1 multipart/alternative',
      '1.1 text/plain',
      '1.2 text/html',
      '2 message/rfc822',
      '2.TEXT multipart/mixed',
      '2.1 text/plain',
      '3 message/rfc822',
      '3.1 text/plain',
    ]);
    expect(parts.map(({ parent }) => parent)).toEqual([-1, 0, 1, 1, 0, 4, 5, 0, 7]);
  });

  it('name the bytes of their bodies in the raw message', () => {
    const raw = nested.replaceAll('\n', '\r\n');
    const { parts } = indexOf(nested);
    const body = (path: string): string | undefined => {
      const part = parts.find((candidate) => candidate.path === path);
      return part === undefined ? undefined : raw.slice(part.start, part.end);
    };
    expect(body('1.1')).toBe('text');
    expect(body('1.2')).toBe('<p>html');
    expect(body('2.1')).toBe('deep');
    expect(body('2')).toMatch(
      /^Content-Type: multipart\/mixed; boundary=inner\r\nSubject: Inside[\s\S]*--inner--$/,
    );
    expect(parts.find(({ path }) => path === '2')?.lines).toBe(7);
  });

  it('are 1,000 at most: what follows stays in the body that holds it', () => {
    const index = indexOf(
      `Content-Type: multipart/mixed; boundary=x\n\n${'--x\n\nA\n'.repeat(3_000)}--x--\n`,
    );
    expect(index.parts.length).toBe(1_000);
    expect(index.parts[0]?.end).toBe(index.size);
  });

  it('nest 50 deep at most', () => {
    let raw = '';
    for (let depth = 0; depth < 200; depth++)
      raw += `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n`;
    expect(indexOf(raw).parts.length).toBe(51);
    const messages = indexOf('Content-Type: message/rfc822\n\n'.repeat(500));
    expect(messages.parts.length).toBe(51);
    expect(
      indexOf(`Content-Type: multipart/digest; boundary=x\n\n${'--x\n\n'.repeat(1_500)}`).parts.length,
    ).toBeLessThanOrEqual(1_001);
  });

  it('have headers of 256 KiB at most', () => {
    const index = indexOf(`Subject: long\nX-Filler: ${'x'.repeat(300_000)}\n\nbody\n`, 1_000);
    expect(index.headers.subject).toBe('long');
    expect(index.parts[0]?.start).toBe(256 * 1024);
  });

  it.each(['base64', 'quoted-printable'])(
    'an embedded message in %s (which RFC 2046 forbids) is a file',
    (encoding) => {
      const { parts, attachments } = indexOf(
        `Content-Type: message/rfc822\nContent-Transfer-Encoding: ${encoding}\n\nU3ViamVjdA==\n`,
      );
      expect(parts.length).toBe(1);
      expect(attachments[0]).toMatchObject({ name: 'ATT00001.eml', method: 5 });
    },
  );
});

describe('headers', () => {
  it.each([
    ['Importance: high', 2],
    ['X-Priority: 5', 0],
    ['X-Priority: 1 (Highest)\nImportance: normal', 1],
    ['X-MSMail-Priority: Low', 0],
    ['X-Priority: 3', 1],
    ['Importance: strange', 1],
  ])('%s', (header, expected) => {
    expect(indexOf(`${header}\n\n`).headers.importance).toBe(expected);
  });

  it('give ids, list and automatic origin', () => {
    const { headers } = indexOf(
      'Message-ID: <a@b> (comment)\nIn-Reply-To: Your mail of Monday <r@b>\nReferences: <root@b>\n\t<r@b>\nList-Id: "A <list>" <l.example.org>\nAuto-Submitted: Auto-Replied; x=y\n\n',
    );
    expect(headers).toMatchObject({
      messageId: '<a@b>',
      inReplyTo: '<r@b>',
      references: ['<root@b>', '<r@b>'],
      listId: 'l.example.org',
      autoSubmitted: 'auto-replied',
    });
  });

  it('keep the root and the last of a thousand references', () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `<${i}@x>`);
    const { references } = indexOf(`References: ${ids.join('\n ')}\n\n`).headers;
    expect(references.length).toBe(100);
    expect([references[0], references.at(-1)]).toEqual(['<0@x>', '<999@x>']);
  });
});

describe('message class', () => {
  const calendar = (method: string, extra = ''): string =>
    `Content-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/calendar; method=${method}\n\nBEGIN:VCALENDAR\n${extra}\n--c--\n`;
  const report = (kind: string, type: string, body: string): string =>
    `Content-Type: multipart/report; report-type=${kind}; boundary=r\n\n--r\n\ntext\n--r\nContent-Type: ${type}\n\n${body}\n--r--\n`;
  it.each([
    [calendar('REQUEST'), 'IPM.Schedule.Meeting.Request'],
    [calendar('cancel'), 'IPM.Schedule.Meeting.Canceled'],
    [calendar('REPLY', 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@b'), 'IPM.Schedule.Meeting.Resp.Pos'],
    [calendar('REPLY', 'ATTENDEE;PARTSTAT=TENTATIVE:mailto:a@b'), 'IPM.Schedule.Meeting.Resp.Tent'],
    [calendar('REPLY', 'ATTENDEE;CN=x;PART\n STAT=DECLINED:mailto:a@b'), 'IPM.Schedule.Meeting.Resp.Neg'],
    [calendar('PUBLISH'), 'IPM.Note'],
    [report('delivery-status', 'message/delivery-status', 'Action: failed'), 'REPORT.IPM.NOTE.NDR'],
    [report('delivery-status', 'message/delivery-status', 'Action: delivered'), 'REPORT.IPM.NOTE.DR'],
    [report('delivery-status', 'message/delivery-status', 'Action: delayed'), 'REPORT.IPM.NOTE.DELAYED'],
    [
      report(
        'disposition-notification',
        'message/disposition-notification',
        'Disposition: automatic-action/MDN-sent-automatically; displayed',
      ),
      'REPORT.IPM.NOTE.IPNRN',
    ],
    [
      report(
        'disposition-notification',
        'message/disposition-notification',
        'Disposition: automatic-action/MDN-sent-automatically; deleted',
      ),
      'REPORT.IPM.NOTE.IPNNRN',
    ],
    ['Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s\n\n', 'IPM.Note'],
    ['Content-Type: application/x-pkcs7-mime; smime-type=signed-data\n\n', 'IPM.Note.SMIME'],
    ['Content-Type: application/pkcs7-mime; smime-type=signed-receipt\n\n', 'IPM.Note.Receipt.SMIME'],
    ['Content-Type: text/plain\n\n', 'IPM.Note'],
  ])('%j', (raw, expected) => {
    expect(indexOf(raw).messageClass).toBe(expected);
  });
});

describe('conversation', () => {
  const idOf = (raw: string): string => Buffer.from(indexOf(raw).conversationId).toString('hex');

  it('is the same for a message and the replies to it', () => {
    const root = idOf('Message-ID: <root@x>\n\n');
    expect(idOf('Message-ID: <2@x>\nIn-Reply-To: <root@x>\n\n')).toBe(root);
    expect(idOf('Message-ID: <3@x>\nIn-Reply-To: <2@x>\nReferences: <root@x> <2@x>\n\n')).toBe(root);
    expect(idOf('Message-ID: <other@x>\n\n')).not.toBe(root);
  });

  it('takes GUID, time and replies from a valid Thread-Index', () => {
    const index = Buffer.from('01d7e8f1a2b3000102030405060708090a0b0c0d0e0f1122334455', 'hex');
    const { conversationId, conversationIndex } = indexOf(
      `Thread-Index: ${index.toString('base64')}\nReferences: <root@x>\n\n`,
    );
    expect(Buffer.from(conversationId).toString('hex')).toBe('000102030405060708090a0b0c0d0e0f');
    expect(Buffer.from(conversationIndex).toString('hex')).toBe('d7e8f1a2b31122334455');
    expect(indexOf('Thread-Index: AAAA\n\n').headers.threadIndex).toBeUndefined();
  });

  it('makes an index from the date (MS-ASCON: 40 bits of FILETIME >> 16)', () => {
    const { conversationIndex } = indexOf('Date: Thu, 1 Jan 1970 00:00:00 +0000\n\n');
    // FILETIME 116444736000000000 = 0x019DB1DED53E8000.
    expect(Buffer.from(conversationIndex).toString('hex')).toBe('9db1ded53e');
  });
});

describe('broken input', () => {
  it('never throws, and chunks make no difference, however the fixtures are mutilated', () => {
    let state = 42;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (const { raw } of mailFixtures()) {
      for (let round = 0; round < 6; round++) {
        const broken = Buffer.from(raw);
        for (let i = 0; i < 1 + broken.length / 100; i++)
          broken[random(broken.length)] = [0x0a, 0x2d, 0x3d, 0x22, 0x00, 0xff, 0x3a, 0x20][random(8)] ?? 0;
        const cut = broken.subarray(random(20), broken.length - random(Math.ceil(broken.length / 3) + 1));
        const whole = indexOf(cut);
        expect(whole.size).toBe(cut.length);
        for (const { start, end, headerStart } of whole.parts) {
          expect(start).toBeGreaterThanOrEqual(headerStart);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(cut.length);
        }
        expect(indexOf(cut, 1 + random(40))).toEqual(whole);
      }
    }
  });

  it('hostile headers end', () => {
    for (const piece of [
      '=?utf-8?q?',
      '=?',
      '"',
      '(',
      '<a@',
      ';x=',
      "*0*=''",
      'a:',
      '\t\n ',
      '&',
      '=?a?b?=A?= ',
    ]) {
      const value = piece.repeat(Math.floor(200_000 / piece.length));
      const raw = [
        'From',
        'To',
        'Subject',
        'Content-Type',
        'Content-Disposition',
        'References',
        'Date',
        'List-Id',
      ].map((name) => `${name}: ${value}\n`);
      for (const line of raw) expect(indexOf(`${line}\n`).parts.length).toBe(1);
    }
  });

  it.each([
    ['an address with blanks in it', `To: <x${' \t'.repeat(100_000)}x>`],
    ['a comment with quotes in it', `To: ("${'\\"'.repeat(100_000)}) <a@b.example>`],
    ['a type with blanks in it', `Content-Type: a${' \t'.repeat(100_000)}b`],
    ['an address of @ behind a quote', `To: <'${'@'.repeat(250_000)}>`],
    ['a file name of full stops', `Content-Disposition: attachment; filename=x${'.'.repeat(250_000)}x`],
  ])('%s costs no more than its length', (_what, field) => {
    expect(indexOf(`${field}\n\n`).parts.length).toBe(1);
  });

  it('lines without a colon in a header cost no more than their length', () => {
    const block = `${'x\n'.repeat(2_000_000)}Content-Type: a/b`;
    expect(readPartHeader(block, 'text/plain', new NameReader()).type).toBe('text/plain');
  });

  it('a message of many parts that comes whole costs no more than its length', () => {
    const parts = '--b\n\n'.repeat(900);
    const index = indexOf(`Content-Type: multipart/mixed; boundary=b\n\n${parts}${'x\n'.repeat(12_000_000)}`);
    expect(index.parts.length).toBe(901);
  });

  it('hostile bodies have a preview', () => {
    for (const piece of ['<', '&#1', '<!--', 'http://', '[cid:', '> ', '<style>', '=\n', '<head>', '-']) {
      const html = `Content-Type: text/html\n\n${piece.repeat(60_000 / piece.length)}`;
      expect(Buffer.byteLength(indexOf(html).preview)).toBeLessThanOrEqual(2_048);
    }
  });
});
