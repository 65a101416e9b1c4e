import { describe, expect, it } from 'vitest';
import { AirSync } from './code-pages/air-sync.ts';
import { ComposeMail } from './code-pages/compose-mail.ts';
import { FolderHierarchy } from './code-pages/folder-hierarchy.ts';
import { Ping } from './code-pages/ping.ts';
import { decode, WbxmlContentError } from './decode.ts';
import { el } from './element.ts';

const HEADER = '03016a00';

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function root(hex: string) {
  return decode(bytes(HEADER + hex)).root;
}

function offsetOf(input: Uint8Array, limits = {}): number {
  try {
    decode(input, limits);
  } catch (error) {
    if (error instanceof WbxmlContentError) return error.offset;
    throw error;
  }
  throw new Error('decoded');
}

describe('decode', () => {
  it('reads a FolderSync with key 0', () => {
    expect(root('00 07 56 52 03 30 00 01 01')).toEqual(
      el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')),
    );
  });

  it('starts on page 0 and keeps the page of a switch, also after the end of an element', () => {
    // Ping on page 13, its Status; then nothing switches back by itself.
    expect(root('00 0d 45 47 03 31 00 01 09 01')).toEqual(
      el(Ping.Ping, el(Ping.Status, '1'), el(Ping.Folders)),
    );
    expect(root('45 5c 01 01')).toEqual(el(AirSync.Sync, el(AirSync.Collections)));
  });

  it('takes an empty element and an element with empty content for the same', () => {
    expect(root('05')).toEqual(el(AirSync.Sync));
    expect(root('45 01')).toEqual(el(AirSync.Sync));
    expect(root('45 03 00 01')).toEqual(el(AirSync.Sync));
  });

  it('reads OPAQUE as a view of the input, with a length of several bytes', () => {
    const content = Buffer.alloc(300, 7);
    const input = Buffer.concat([bytes(`${HEADER} 00 15 45 50 c3 82 2c`), content, bytes('01 01')]);
    const mime = decode(input).root.children[0];
    expect(mime?.tag).toBe(ComposeMail.Mime);
    expect(mime?.opaque).toEqual(content);
    expect(mime?.opaque?.buffer).toBe(input.buffer);
  });

  it('joins the strings and entities of an element', () => {
    expect(root('4b 03 61 00 02 81 20 03 62 00 02 87 ec 00 01').text).toBe('a\u00a0b\u{1f600}');
  });

  it('replaces invalid UTF-8 and impossible entities', () => {
    expect(root('4b 03 61 ff 62 00 01').text).toBe('a\ufffdb');
    expect(root('4b 02 83 b0 00 02 00 02 8f ff ff ff 7f 01').text).toBe('\ufffd\ufffd\ufffd');
  });

  it('ignores what follows the root', () => {
    expect(root('05 ff ff')).toEqual(el(AirSync.Sync));
  });

  it.each(['01016a00', '02016a00', '03016a00', '0381016a00', '0300056a00', '03 8f ff ff ff 7f 6a 00'])(
    'takes the header %s',
    (header) => {
      expect(decode(bytes(`${header}05`)).root.tag).toBe(AirSync.Sync);
    },
  );

  it.each([
    ['an empty input', '', 0],
    ['version 1.0', '00016a0005', 0],
    ['version 1.4', '04016a0005', 0],
    ['a charset other than UTF-8', '0301030005', 2],
    ['a string table', '03016a016105', 3],
    ['a public identifier beyond 32 bits', '039fffffff7f6a0005', 1],
    ['a public identifier without end', '038080808080806a0005', 1],
    ['no root', '03016a00', 4],
    ['an END first', '03016a0001', 4],
    ['text outside the root', '03016a00036100', 4],
    ['OPAQUE outside the root', '03016a00c30161', 4],
    ['an unknown root', '03016a003f', 4],
    ['attributes', '03016a00c501', 4],
    ['an extension', '03016a00454001', 5],
    ['a processing instruction', '03016a004301', 4],
    ['a reference into a string table', '03016a0045830001', 5],
    ['a literal', '03016a0045040001', 5],
    ['a second OPAQUE', '03016a0045c30161c3016201', 8],
    ['an OPAQUE longer than the document', '03016a0045c38fffffff7f01', 12],
  ])('refuses %s, with its place', (_fault, hex, offset) => {
    expect(offsetOf(bytes(hex))).toBe(offset);
  });
});

describe('unknown tags', () => {
  it('are left out with their content, and listed', () => {
    // Page 0: 0x3f is not assigned; it holds text, a known tag, another unknown one and a page switch.
    const decoded = decode(
      bytes(`${HEADER} 45 7f 03 61 00 4b 03 31 00 01 3e c3 01 00 00 05 01 00 00 4b 03 32 00 01 01`),
    );
    expect(decoded.root).toEqual(el(AirSync.Sync, el(AirSync.SyncKey, '2')));
    expect(decoded.skipped).toEqual([{ page: 0, token: 0x3f, offset: 5 }]);
  });

  it('of an unknown page are left out as well', () => {
    const decoded = decode(bytes(`${HEADER} 45 00 fe 45 01 06 00 00 0f 01`));
    expect(decoded.root).toEqual(el(AirSync.Sync, el(AirSync.Collection)));
    expect(decoded.skipped).toEqual([
      { page: 0xfe, token: 5, offset: 7 },
      { page: 0xfe, token: 6, offset: 9 },
    ]);
  });

  it('are listed up to a hundred', () => {
    const decoded = decode(Buffer.concat([bytes(`${HEADER} 45`), Buffer.alloc(5000, 0x3f), bytes('01')]));
    expect(decoded.root).toEqual(el(AirSync.Sync));
    expect(decoded.skipped.length).toBe(100);
  });
});

describe('bounds', () => {
  it('64 levels are taken, 65 are not, known or unknown', () => {
    const nested = (depth: number, token: number) =>
      Buffer.concat([bytes(`${HEADER} 45`), Buffer.alloc(depth - 1, token), Buffer.alloc(depth, 0x01)]);
    expect(decode(nested(64, 0x45)).root.tag).toBe(AirSync.Sync);
    expect(decode(nested(64, 0x7f)).root.tag).toBe(AirSync.Sync);
    expect(offsetOf(nested(65, 0x45))).toBe(4 + 64);
    expect(offsetOf(nested(65, 0x7f))).toBe(4 + 64);
    expect(offsetOf(nested(1_000_000, 0x45))).toBe(4 + 64);
  });

  it('elements, strings and OPAQUE values are counted together', () => {
    const input = bytes(`${HEADER} 45 05 03 61 00 c3 01 61 01`);
    expect(decode(input, { maxElements: 4 }).root.tag).toBe(AirSync.Sync);
    expect(offsetOf(input, { maxElements: 3 })).toBe(9);
    expect(offsetOf(input, { maxElements: 2 })).toBe(6);
    expect(offsetOf(input, { maxElements: 1 })).toBe(5);
  });

  it('a string and the document are bounded in bytes', () => {
    const input = bytes(`${HEADER} 45 03 61 62 63 00 01`);
    expect(decode(input, { maxStringBytes: 3, maxBytes: 11 }).root.text).toBe('abc');
    expect(offsetOf(input, { maxStringBytes: 2 })).toBe(6);
    expect(offsetOf(input, { maxBytes: 10 })).toBe(10);
  });

  it('a string that is all of a large document is taken, however large', () => {
    const length = 40 * 1024 * 1024 + 1;
    const input = Buffer.concat([bytes(`${HEADER} 45 03`), Buffer.alloc(length, 'a'), bytes('00 01')]);
    expect(decode(input, { maxBytes: input.length }).root.text).toHaveLength(length);
  });
});
