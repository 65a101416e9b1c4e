import { describe, expect, it } from 'vitest';
import { AirSync } from './code-pages/air-sync.ts';
import { AirSyncBase } from './code-pages/air-sync-base.ts';
import { ComposeMail } from './code-pages/compose-mail.ts';
import { Email } from './code-pages/email.ts';
import { FolderHierarchy } from './code-pages/folder-hierarchy.ts';
import { decode } from './decode.ts';
import { type Element, el } from './element.ts';
import { encode } from './encode.ts';

function hex(root: Element): string {
  return Buffer.from(encode(root)).toString('hex');
}

describe('encode', () => {
  it('writes a FolderSync with key 0', () => {
    expect(hex(el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')))).toBe(
      '03016a00000756520330000101',
    );
  });

  it('switches the page only when it changes, not at the start for page 0', () => {
    const data = el(
      AirSync.ApplicationData,
      el(Email.Read, true),
      el(Email.Flag),
      el(AirSyncBase.Body, el(AirSyncBase.Type, 1)),
      el(AirSyncBase.NativeBodyType, 2),
    );
    expect(hex(el(AirSync.Add, data, el(AirSync.ServerId, 'a')))).toBe(
      '03016a00 47 5d 0002 55 033100 01 3a 0011 4a 46 033100 01 01 56 033200 01 01 0000 4d 036100 01 01'.replaceAll(
        ' ',
        '',
      ),
    );
  });

  it('writes an element without content as a bare token', () => {
    const empties = [
      el(AirSync.Sync),
      el(AirSync.Sync, ''),
      el(AirSync.Sync, undefined),
      el(AirSync.Sync, '\u0000'),
    ];
    for (const empty of [...empties, el(AirSync.Sync, new Uint8Array())])
      expect(hex(empty)).toBe('03016a0005');
  });

  it('writes numbers in decimal and booleans as 1 and 0', () => {
    expect(decode(encode(el(AirSync.Wait, 59))).root.text).toBe('59');
    expect(decode(encode(el(AirSync.GetChanges, false))).root.text).toBe('0');
    expect(decode(encode(el(AirSync.GetChanges, true))).root.text).toBe('1');
  });

  it.each([0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000])(
    'writes the length of %i OPAQUE bytes',
    (length) => {
      const bytes = Buffer.alloc(length, 0x5a);
      const decoded = decode(encode(el(ComposeMail.Mime, bytes))).root.opaque;
      expect(decoded !== undefined && bytes.equals(decoded)).toBe(true);
    },
  );

  it.each([
    ['ASCII', 'a'.repeat(47), 'a'.repeat(49), 'a'.repeat(100_000)],
    ['Latin-1', 'é'.repeat(47), 'é'.repeat(49), 'é'.repeat(100_000)],
    ['other scripts', 'щ'.repeat(47), '漢'.repeat(49), '😀'.repeat(100_000)],
  ])('writes %s as UTF-8, short and long', (_script, ...texts) => {
    const root = el(AirSync.Collections, ...texts.map((content) => el(AirSync.ServerId, content)));
    expect(decode(encode(root)).root).toEqual(root);
  });
});

describe('characters that XML 1.0 forbids', () => {
  const forbidden = [...Array(0x20).keys()].filter((code) => ![9, 10, 13].includes(code));
  const codes = [...forbidden, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfffe, 0xffff];

  it.each([0, 100])('are left out, every one of them, in a text of more than %i characters', (length) => {
    const filler = 'x'.repeat(length);
    for (const code of codes) {
      const illegal = String.fromCharCode(code);
      const root = el(AirSync.ServerId, `${filler}${illegal}a${illegal}b${illegal}`);
      expect(decode(encode(root)).root.text).toBe(`${filler}ab`);
    }
  });

  it('leave their neighbours alone: tabs, line ends, DEL, private use, the last planes', () => {
    for (const legal of [
      '\t\r\n',
      '\u007f\u0080\u009f',
      '\ud7ff\ue000\ufffd',
      '\u{10000}\u{1ffff}\u{10ffff}',
    ]) {
      for (const content of [legal, legal.repeat(50)]) {
        expect(decode(encode(el(AirSync.ServerId, content))).root.text).toBe(content);
      }
    }
  });
});
