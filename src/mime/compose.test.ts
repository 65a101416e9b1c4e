import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { composeMessage, type PreparedMessage, prepareForSending, type SendingOptions } from './compose.ts';
import { MessageIndexer } from './index-message.ts';
import type { MessageIndex } from './message-index.ts';

const alice = { name: 'Alice Ünal', address: 'alice@mailstead.test' };
const now = Date.parse('2026-11-16T09:00:00Z');

function prepare(raw: string, more: Partial<SendingOptions> = {}): PreparedMessage {
  return prepareForSending(Buffer.from(raw, 'latin1'), {
    from: alice,
    now,
    messageId: '<new@mailstead.test>',
    ...more,
  });
}

const textOf = (pieces: readonly Uint8Array[]): string => Buffer.concat(pieces).toString('latin1');

function indexOf(raw: Uint8Array): MessageIndex {
  const indexer = new MessageIndexer();
  indexer.write(raw);
  return indexer.end();
}

describe('prepareForSending', () => {
  it('fills in From, Date and Message-ID, and leaves the body alone', () => {
    const message = prepare('To: bob@example.com\r\nSubject: Hi\r\n\r\nbody \xff\0\nbare\r\n.\r\n');
    expect(textOf(message.outgoing)).toBe(
      'From: =?utf-8?B?QWxpY2Ugw5xuYWw=?= <alice@mailstead.test>\r\nDate: Mon, 16 Nov 2026 09:00:00 +0000\r\n' +
        'Message-ID: <new@mailstead.test>\r\nTo: bob@example.com\r\nSubject: Hi\r\n\r\nbody \xff\0\nbare\r\n.\r\n',
    );
    expect(message.messageId).toBe('<new@mailstead.test>');
    expect(message.sent).toBe(message.outgoing);
  });

  it.each([
    ['Subject: a\rFrom: boss@x.example\r\n', 'Subject: a From: boss@x.example\r\n'],
    ['Subject: a\r\r\nX-Last: b\r\n', 'Subject: a \r\nX-Last: b\r\n'],
    ['X-A: a\rBcc: eve@x.example\n \rb\n', 'X-A: a Bcc: eve@x.example\n  b\n'],
  ])('a CR in %j begins no field and ends no header', (header, expected) => {
    expect(textOf(prepare(`${header}\r\nbody\r`).outgoing)).toContain(expected);
    const { outgoing } = prepare(
      `From: "Alice\rBcc: eve@x.example" <alice@mailstead.test>\r\n${header}\r\nbody\r`,
    );
    expect(textOf(outgoing)).not.toMatch(/\r(?!\n|$)/);
  });

  it('many fields of which one counts cost no more than their number', () => {
    const header = `${'a:\r\n'.repeat(32_000)}${'subject:\r\n'.repeat(11_000)}`;
    for (let n = 0; n < 30; n++)
      expect(textOf(prepare(`${header}\r\n`).outgoing).match(/subject:/g)).toHaveLength(1);
  });

  it('Authentication-Results that a client wrote are dropped, those that a program hands on stay', () => {
    const raw = 'To: bob@example.com\r\nAuthentication-Results: mail.test; dkim=pass\r\n\r\n';
    expect(textOf(prepare(raw).outgoing)).not.toContain('dkim=pass');
    expect(textOf(prepare(raw, { keepsReceived: true }).outgoing)).toContain('dkim=pass');
  });

  it.each([
    ['<alice@mailstead.test> <boss@x.example>', '<alice@mailstead.test>'],
    ['<alice@mailstead.test>boss@x.example', '"boss@x.example" <alice@mailstead.test>'],
    ['boss@x.example <alice@mailstead.test>', '"boss@x.example" <alice@mailstead.test>'],
    ['alice@mailstead.test and boss@x.example', '"and boss@x.example" <alice@mailstead.test>'],
    [`alice@mailstead.test${' '.repeat(900)}x boss@x.example`, '"x boss@x.example" <alice@mailstead.test>'],
    ['<@x.example:alice@mailstead.test>', '<alice@mailstead.test>'],
    ['boss@x.example: alice@mailstead.test;', '<alice@mailstead.test>'],
    ['"boss@x.example <alice@mailstead.test>', '"\\"boss@x.example" <alice@mailstead.test>'],
    ['alice(boss@x.example)@mailstead.test', '"boss@x.example" <alice@mailstead.test>'],
  ])('a From that can be read in two ways is written anew: %s', (from, written) => {
    for (const name of ['From', 'Sender']) {
      const text = textOf(prepare(`${name}: ${from}\r\nTo: b@c.example\r\n\r\n`).outgoing);
      expect(text).toContain(`${name}: ${written}\r\n`);
    }
  });

  it.each([
    'alice@mailstead.test',
    '<alice@mailstead.test>',
    'Alice M. <alice@mailstead.test>',
    '=?utf-8?Q?Alice?= =?utf-8?Q?M?= <alice@mailstead.test> (home)',
    '"Boss <boss@x.example>" <alice@mailstead.test>',
    'alice@mailstead.test (Alice)',
    'Al\xc3\xafce <alice@mailstead.test>',
  ])('a From that reads in one way stays as it is: %s', (from) => {
    expect(textOf(prepare(`From: ${from}\r\nTo: b@c.example\r\n\r\n`).outgoing)).toContain(
      `From: ${from}\r\n`,
    );
  });

  it('keeps Received fields where a program may hand on what came to it', () => {
    const raw = 'Received: from a by b\r\n\tid 1\r\nTo: b@c.example\r\nReturn-Path: <a@b.example>\r\n\r\n';
    expect(textOf(prepare(raw).outgoing)).not.toContain('Received');
    const kept = textOf(prepare(raw, { keepsReceived: true }).outgoing);
    expect(kept).toMatch(/^Received: from a by b\r\n\tid 1\r\nFrom: /);
    expect(kept).not.toContain('Return-Path');
  });

  it('keeps a From that is the sender’s own, and replaces any other', () => {
    const own = 'From: "My own name" <ALICE@mailstead.test>\r\nTo: b@c.example\r\n\r\n';
    expect(textOf(prepare(own).outgoing)).toContain('From: "My own name" <ALICE@mailstead.test>\r\n');
    const alias = 'From: sales@mailstead.test\r\nSender: boss@mailstead.test\r\nTo: b@c.example\r\n\r\n';
    expect(textOf(prepare(alias).outgoing)).not.toContain('sales@');
    expect(textOf(prepare(alias).outgoing)).not.toContain('Sender');
    const two = 'From: alice@mailstead.test, boss@mailstead.test\r\nFrom: boss@mailstead.test\r\n\r\n';
    expect(textOf(prepare(two).outgoing)).not.toContain('boss');
  });

  it('takes Bcc out of what leaves and keeps it for the sender; trace fields go from both', () => {
    const message = prepare(
      'Return-Path: <x@y>\r\nReceived: from a\r\n by b\r\nDate: Mon, 16 Nov 2026 08:00:00 +0100\r\nMessage-ID: <mine@phone>\r\nTo: Bob <bob@example.com>\r\n' +
        'Cc: Team: c@example.com, "d d"@example.com;\r\nBcc: eve@example.com;\r\n BOB@example.com\r\nX-Mailer: Phone\r\n\r\nHi\r\n',
    );
    expect(textOf(message.outgoing)).not.toMatch(/Bcc|eve|Received|Return-Path/);
    expect(textOf(message.sent)).toContain('Bcc: eve@example.com;\r\n BOB@example.com\r\n');
    expect(textOf(message.sent)).not.toMatch(/Received|Return-Path/);
    expect(textOf(message.outgoing)).toContain('X-Mailer: Phone\r\n');
    expect(message.messageId).toBe('<mine@phone>');
    expect(message.recipients).toEqual([
      'bob@example.com',
      'c@example.com',
      '"d d"@example.com',
      'eve@example.com',
    ]);
    expect(message.invalidRecipients).toEqual([]);
  });

  it('gives envelope addresses of any spelling, and names what is none', () => {
    const message = prepare(
      'To: <k\xc3\xa4the@b\xc3\xbccher.example>, nobody, x@\r\nResent-To: r@example.com\r\n\r\n',
    );
    expect(message.recipients).toEqual(['käthe@xn--bcher-kva.example', 'r@example.com']);
    expect(message.invalidRecipients).toEqual(['nobody', 'x@']);
  });

  it('copes with bare line feeds, a missing empty line and an empty message', () => {
    expect(textOf(prepare('To: b@c.example\nContent-Type: text/plain\n\nHi\n').outgoing)).toBe(
      'From: =?utf-8?B?QWxpY2Ugw5xuYWw=?= <alice@mailstead.test>\nDate: Mon, 16 Nov 2026 09:00:00 +0000\n' +
        'Message-ID: <new@mailstead.test>\nMIME-Version: 1.0\nTo: b@c.example\nContent-Type: text/plain\n\nHi\n',
    );
    expect(textOf(prepare('To: b@c.example\r\nno header this\r\n').outgoing)).toMatch(
      /To: b@c.example\r\n\r\nno header this\r\n$/,
    );
    expect(prepare('').recipients).toEqual([]);
    expect(indexOf(Buffer.concat(prepare('').outgoing)).headers.from).toEqual([alice]);
  });

  it('keeps one of each field that may stand once, so that nobody reads another', () => {
    const message = prepare(
      'Subject: one\r\nSubject: two\r\nTo: b@c.example\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n',
    );
    expect(textOf(message.outgoing)).not.toMatch(/two|html/);
  });

  it('lets no name break out of its header', () => {
    const message = prepareForSending(Buffer.from('To: b@c.example\r\n\r\n'), {
      from: { name: 'A"\r\nBcc: evil@example.com', address: 'alice@mailstead.test' },
      now,
      messageId: '<new@mailstead.test>',
    });
    expect(indexOf(Buffer.concat(message.outgoing)).headers.bcc).toEqual([]);
  });
});

describe('composeMessage', () => {
  it('writes a notice that reads back as it was meant', async () => {
    const raw = await composeMessage({
      from: { name: 'Postmaster', address: 'postmaster@mailstead.test' },
      to: alice,
      subject: 'Willkommen – bienvenue',
      text: 'Grüße\n\nfrom Mailstead',
      html: '<p>Grüße</p>',
      date: now,
      messageId: '<welcome@mailstead.test>',
    });
    const { headers, preview, html } = indexOf(raw);
    expect(headers).toMatchObject({
      from: [{ name: 'Postmaster', address: 'postmaster@mailstead.test' }],
      to: [alice],
      subject: 'Willkommen – bienvenue',
      date: now,
      messageId: '<welcome@mailstead.test>',
      autoSubmitted: 'auto-generated',
    });
    expect(preview).toBe('Grüße from Mailstead');
    expect(html).toHaveLength(1);
    expect(raw.toString('latin1').replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  it('refuses what is no address', async () => {
    const notice = {
      from: alice,
      to: { name: '', address: 'nobody' },
      subject: '',
      text: '',
      date: now,
      messageId: '<a@b>',
    };
    await expect(composeMessage(notice)).rejects.toThrow(TypeError);
  });
});
