import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { MeetingResponse } from '#protocols/activesync/wbxml/code-pages/meeting-response';
import { decode, WbxmlContentError } from '#protocols/activesync/wbxml/decode';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { Choices } from '#test/support/choices';
import { assertValid } from '#test/support/eas-schema';
import { fromXml, toXml } from '#test/support/eas-xml';

const folder = new URL('../fixtures/eas/schemas/samples/', import.meta.url);
const samples = (['request', 'response'] as const).flatMap((direction) =>
  readdirSync(new URL(`${direction}/`, folder)).map((name) => {
    const xml = readFileSync(new URL(`${direction}/${name}`, folder), 'utf8');
    return { direction, name, root: fromXml(xml) };
  }),
);

describe('the sample documents', () => {
  it.each(samples)(
    '$direction $name goes to WBXML and back, to the same bytes and the same XML',
    ({ root }) => {
      const bytes = encode(root);
      const decoded = decode(bytes);
      expect(decoded).toEqual({ root, skipped: [] });
      expect(Buffer.from(encode(decoded.root))).toEqual(Buffer.from(bytes));
      expect(fromXml(toXml(decoded.root))).toEqual(root);
    },
  );

  it.each(samples)('$direction $name is valid by the schemas', ({ direction, root }) => {
    assertValid(direction, root, root.tag.name, root.tag.name === 'Find' ? '16.1' : '14.1');
  });

  it.each(samples)('$direction $name cut short anywhere fails with a typed error', ({ root }) => {
    const bytes = encode(root);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(WbxmlContentError);
    }
  });
});

describe('the schemas', () => {
  const meetingFailure = el(MeetingResponse.MeetingResponse, el(MeetingResponse.Status, 142));
  const oldSync = el(
    AirSync.Sync,
    el(
      AirSync.Collections,
      el(
        AirSync.Collection,
        el(AirSync.Class, 'Email'),
        el(AirSync.SyncKey, '1'),
        el(AirSync.CollectionId, '5'),
        el(AirSync.Status, 1),
      ),
    ),
  );
  const forward = el(
    ComposeMail.SmartForward,
    el(ComposeMail.ClientId, 'a'),
    el(ComposeMail.Source, el(ComposeMail.FolderId, '1'), el(ComposeMail.ItemId, '2')),
    el(
      ComposeMail.Forwardees,
      el(ComposeMail.Forwardee, el(ComposeMail.Email, 'bob@example.com'), el(ComposeMail.Name, 'Bob')),
    ),
  );

  it('refuse what they do not allow, and show it', () => {
    const bad = el(AirSync.Sync, el(AirSync.Status, 'ok'));
    expect(() => assertValid('response', bad, 'Sync', '14.1')).toThrow(
      /Not a valid response of Sync.*<Status>ok/s,
    );
    expect(() => assertValid('response', bad, 'Ping', '14.1')).toThrow(/has the root Sync/);
  });

  it('are widened where they are narrower than the protocol, and only there', () => {
    assertValid('response', meetingFailure, 'MeetingResponse', '14.1');
    assertValid('response', oldSync, 'Sync', '12.0');
    assertValid('request', forward, 'SmartForward', '16.1');
    expect(() => assertValid('response', oldSync, 'Sync', '14.1')).toThrow(/Class/);
  });

  it('take OPAQUE values, also large ones', () => {
    const mime = Buffer.alloc(12_000_000, 'x');
    const root = el(ComposeMail.SendMail, el(ComposeMail.ClientId, 'a'), el(ComposeMail.Mime, mime));
    assertValid('request', root, 'SendMail', '14.1');
  });
});

describe('nonsense', () => {
  const encodings = samples.map(({ root }) => Buffer.from(encode(root)));

  function mutate(choices: Choices): Buffer {
    const original = encodings[choices.below(encodings.length)] ?? Buffer.alloc(0);
    const bytes = Buffer.from(original);
    for (let edits = 1 + choices.below(8); edits > 0; edits--)
      bytes[choices.below(bytes.length)] = choices.below(256);
    const cut = choices.below(bytes.length);
    return choices.below(3) === 0 ? Buffer.concat([bytes.subarray(cut), bytes.subarray(0, cut)]) : bytes;
  }

  function noise(choices: Choices): Buffer {
    const bytes = Buffer.from(Array.from({ length: choices.below(200) }, () => choices.below(256)));
    return Buffer.concat([Buffer.of(3, 1, 0x6a, 0), bytes]);
  }

  function check(bytes: Buffer): Element | undefined {
    try {
      return decode(bytes).root;
    } catch (error) {
      expect(error).toBeInstanceOf(WbxmlContentError);
      if (error instanceof WbxmlContentError) {
        expect(error.offset).toBeGreaterThanOrEqual(0);
        expect(error.offset).toBeLessThanOrEqual(bytes.length);
      }
      return undefined;
    }
  }

  it('of 20,000 mutated and random documents gives a value, which encodes again, or a typed error', () => {
    const choices = new Choices(20261122);
    let taken = 0;
    for (let round = 0; round < 20_000; round++) {
      const root = check(round % 4 === 0 ? noise(choices) : mutate(choices));
      if (root === undefined) continue;
      taken++;
      const again = encode(root);
      expect(Buffer.from(encode(decode(again).root)).equals(again)).toBe(true);
    }
    expect(taken).toBeGreaterThan(1000);
  });

  it.each([
    ['open elements', Buffer.alloc(4_000_000, 0x45)],
    ['empty elements', Buffer.concat([Buffer.of(0x45), Buffer.alloc(4_000_000, 0x05)])],
    ['empty strings', Buffer.concat([Buffer.of(0x45), Buffer.alloc(4_000_000, Buffer.of(0x03, 0x00))])],
    ['page switches', Buffer.alloc(4_000_000, 0x00)],
    ['unknown elements', Buffer.concat([Buffer.of(0x45), Buffer.alloc(4_000_000, 0x3f)])],
    ['one string without end', Buffer.concat([Buffer.of(0x45, 0x03), Buffer.alloc(4_000_000, 0x61)])],
    ['OPAQUE of 4 GiB', Buffer.from('45c38fffffff7f', 'hex')],
  ])('of megabytes of %s is refused by its bounds', (_kind, body) => {
    expect(() => decode(Buffer.concat([Buffer.of(3, 1, 0x6a, 0), body]))).toThrow(WbxmlContentError);
  });
});
