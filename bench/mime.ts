import { Buffer } from 'node:buffer';
import { MessageIndexer } from '#mime/index-message';

/** How long indexing takes: a 4 KB message of two alternatives, and 25 MB of base64 in 64 KiB chunks. */

const smallRounds = 20_000;
const largeRounds = 8;
const chunkBytes = 64 * 1024;

function smallMessage(): Buffer {
  const header = [
    'Return-Path: <sender@example.org>',
    'Received: from mx.example.org (mx.example.org [192.0.2.1]) by mail.example.com with ESMTPS id 4f2a',
    '\tfor <alice@example.com>; Sun, 22 Nov 2026 12:00:00 +0000',
    'Received: from client.example.org by mx.example.org; Sun, 22 Nov 2026 11:59:58 +0000',
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=k1; h=from:to:subject:date;',
    ` bh=${'x'.repeat(44)}; b=${'y'.repeat(340)}`,
    'From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <sender@example.org>',
    'To: "Alice Example" <alice@example.com>, Bob <bob@example.com>',
    'Cc: list@example.net',
    'Subject: =?utf-8?b?UXVhcnRlcmx5IHJlcG9ydCDigJMgZHJhZnQ=?= for review',
    'Date: Sun, 22 Nov 2026 12:59:57 +0100',
    'Message-ID: <20261122115957.4711@example.org>',
    'In-Reply-To: <4710@example.com>',
    'References: <1@example.com> <4710@example.com>',
    'MIME-Version: 1.0',
    'User-Agent: Example/1.0',
    'Content-Type: multipart/alternative; boundary="----=_Part_1"',
    '',
    '------=_Part_1',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    ...Array.from(
      { length: 16 },
      (_, i) => `Line ${i} of the text, with caf=C3=A9 and some more words in it.`,
    ),
    '------=_Part_1',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
  ];
  const html = Array.from({ length: 16 }, (_, i) => `<p>Line ${i} of the <b>text</b>, with caf=C3=A9.</p>`);
  return Buffer.from([...header, ...html, '------=_Part_1--', ''].join('\r\n'), 'latin1');
}

function largeMessage(bytes: number): Buffer {
  const head =
    'From: a@example.org\r\nSubject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n';
  const part = 'Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const line = `${'QUJD'.repeat(19)}\r\n`;
  return Buffer.from(`${head}${part}${line.repeat(Math.ceil(bytes / line.length))}--b--\r\n`, 'latin1');
}

function index(message: Buffer): number {
  const indexer = new MessageIndexer();
  for (let at = 0; at < message.length; at += chunkBytes)
    indexer.write(message.subarray(at, at + chunkBytes));
  return indexer.end().parts.length;
}

/** Microseconds of processor time that `work` takes a round: other programs on the machine do not count. */
function measure(rounds: number, work: () => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / rounds;
}

const small = smallMessage();
measure(smallRounds / 4, () => index(small));
const smallMicroseconds = measure(smallRounds, () => index(small));

const large = largeMessage(25 * 1024 * 1024);
measure(1, () => index(large));
const largeMicroseconds = measure(largeRounds, () => index(large));

const result = {
  bench: 'mime',
  smallBytes: small.length,
  smallMicroseconds: Math.round(smallMicroseconds),
  largeBytes: large.length,
  largeMegabytesPerSecond: Math.round(large.length / largeMicroseconds),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
