import { describe, expect, test } from 'vitest';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Calendar } from '#protocols/activesync/wbxml/code-pages/calendar';
import { DocumentLibrary } from '#protocols/activesync/wbxml/code-pages/document-library';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { child, childrenOf, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';
import { preference } from './sync-phone.ts';

const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

const mixed = [
  'From: x@example.org',
  'To: alice@example.test',
  'Subject: Both',
  'Message-ID: <both@example.org>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/alternative; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  `plain ${'ä'.repeat(100)}`,
  '--b',
  'Content-Type: text/html; charset=utf-8',
  '',
  `<p>html ${'ö'.repeat(100)}</p>`,
  '--b--',
  '',
].join('\r\n');

/** Signed, with a byte that is no character of UTF-8: its MIME is no string. */
const signed = Buffer.from(
  [
    'From: x@example.org',
    'Subject: Signed',
    'MIME-Version: 1.0',
    'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=iso-8859-1',
    'Content-Transfer-Encoding: 8bit',
    '',
    'caf\u00e9',
    '--b',
    'Content-Type: application/pkcs7-signature',
    '',
    'x',
    '--b--',
    '',
  ].join('\r\n'),
  'latin1',
);

async function start(version: ProtocolVersion, raw: string | Uint8Array = mixed) {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  await phone.folderSync();
  const serverId = await server.receive(raw);
  return { server, phone, item: { collectionId: '1', serverId } };
}

const schema = (...tags: readonly Tag[]): Element => el(ItemOperations.Schema, ...tags.map((tag) => el(tag)));
const tagsOf = (element: Element | undefined): readonly string[] =>
  (element?.children ?? []).map(({ tag }) => `${tag.name}`);
const mimeSupport = (value: number): Element => el(AirSync.MIMESupport, value);
const limit = (size: number): [Tag, number] => [AirSyncBase.TruncationSize, size];
const allOrNone: [Tag, boolean] = [AirSyncBase.AllOrNone, true];

describe.each(versions)('%s', (version) => {
  test('ItemOperations Schema: the answer holds the properties listed and no others', async () => {
    const { phone, item } = await start(version);
    const propertiesFor = async (...options: Element[]) =>
      tagsOf((await phone.fetch(item, options)).properties);
    expect(await propertiesFor(schema(Email.Subject, Email.From))).toEqual(['From', 'Subject']);
    expect(await propertiesFor(schema(AirSyncBase.Body), preference(1))).toEqual(['Body']);
    expect(await propertiesFor(schema(Email.Cc, Email.Read))).toEqual(['Read']);
    expect((await propertiesFor(preference(1))).length).toBeGreaterThan(10);
  });

  test('ItemOperations Schema: properties of another class, or none, answer Status 1 without Properties', async () => {
    const { phone, item } = await start(version);
    for (const empty of [schema(), schema(Calendar.Location)]) {
      const { status, properties } = await phone.fetch(item, [empty]);
      expect([status, properties]).toEqual([1, undefined]);
    }
  });

  test('ItemOperations BodyPreference: of several the one that gives the most text', async () => {
    const { phone, item } = await start(version);
    const bodyFor = async (...options: Element[]) => {
      const { properties } = await phone.fetch(item, options);
      const body = child(properties, AirSyncBase.Body);
      const { Type, Truncated, EstimatedDataSize, Data } = AirSyncBase;
      const size = integerOf(body, EstimatedDataSize) ?? 0;
      expect(size).toBeGreaterThan(200);
      return [integerOf(body, Type), textOf(body, Truncated), textOf(body, Data)?.slice(0, 8)];
    };
    expect(await bodyFor(preference(1), preference(2))).toEqual([2, '0', '<p>html ']);
    expect(await bodyFor(preference(1))).toEqual([1, '0', 'plain ää']);
    expect(await bodyFor(preference(2, limit(50), allOrNone), preference(1, limit(8)))).toEqual([
      1,
      '1',
      'plain ä',
    ]);
    expect(await bodyFor(preference(2, limit(50), allOrNone))).toEqual([2, '1', undefined]);
    expect(await bodyFor()).toEqual([2, '0', '<p>html ']);
  });

  test('ItemOperations BodyPreference: two of one Type answer Status 2', async () => {
    const { phone, item } = await start(version);
    expect((await phone.fetch(item, [preference(1), preference(1)])).status).toBe(2);
  });

  test('ItemOperations MIMESupport: 0 never, 1 for S/MIME, 2 for all', async () => {
    const typeFor = async (raw: string | Uint8Array, support: number) => {
      const { phone, item } = await start(version, raw);
      const { properties } = await phone.fetch(item, [mimeSupport(support), preference(4), preference(1)]);
      return integerOf(properties, AirSyncBase.Body, AirSyncBase.Type);
    };
    expect([await typeFor(mixed, 0), await typeFor(mixed, 1), await typeFor(mixed, 2)]).toEqual([1, 1, 4]);
    expect([await typeFor(signed, 0), await typeFor(signed, 1), await typeFor(signed, 2)]).toEqual([1, 4, 4]);
  });

  test('ItemOperations Part: bodies of a multipart answer are its parts, byte for byte, in the place of Data', async () => {
    const { server, phone, item } = await start(version, signed);
    const other = await server.receive(mixed);
    const fetch = (serverId: string, ...options: Element[]) =>
      el(
        ItemOperations.Fetch,
        el(ItemOperations.Store, 'Mailbox'),
        el(AirSync.CollectionId, '1'),
        el(AirSync.ServerId, serverId),
        el(ItemOperations.Options, ...options),
      );
    const request = el(
      ItemOperations.ItemOperations,
      fetch(item.serverId, mimeSupport(1), preference(4)),
      fetch('1:999', preference(1)),
      fetch(other, schema(Email.Subject)),
      fetch(other, preference(1)),
    );
    const { element, parts } = await phone.command('ItemOperations', request, { acceptMultiPart: true });
    const answers = childrenOf(child(element, ItemOperations.Response), ItemOperations.Fetch);
    expect(answers.map((one) => integerOf(one, ItemOperations.Status))).toEqual([1, 6, 1, 1]);
    const bodies = answers.map((one) => child(one, ItemOperations.Properties, AirSyncBase.Body));
    expect(bodies.map(tagsOf)).toEqual([
      ['Type', 'EstimatedDataSize', 'Truncated', 'Part'],
      [],
      [],
      ['Type', 'EstimatedDataSize', 'Truncated', 'Part'],
    ]);
    expect(bodies.map((body) => integerOf(body, ItemOperations.Part))).toEqual([1, undefined, undefined, 2]);
    expect(parts).toHaveLength(2);
    expect(parts[0]?.equals(signed)).toBe(true);
    expect(parts[1]?.toString()).toMatch(/^plain ä+$/);
  });

  test('ItemOperations Store: documents answer Status 9 with their LinkId', async () => {
    const { phone } = await start(version);
    for (const name of ['DocumentLibrary', 'Document Library']) {
      const fetch = el(
        ItemOperations.Fetch,
        el(ItemOperations.Store, name),
        el(DocumentLibrary.LinkId, '\\\\server\\share\\file.txt'),
        el(ItemOperations.Options, el(ItemOperations.Range, '0-99')),
      );
      const { element } = await phone.command('ItemOperations', el(ItemOperations.ItemOperations, fetch));
      const answer = child(element, ItemOperations.Response, ItemOperations.Fetch);
      expect(integerOf(answer, ItemOperations.Status)).toBe(9);
      expect(textOf(answer, DocumentLibrary.LinkId)).toBe('\\\\server\\share\\file.txt');
    }
  });
});

test('ItemOperations Preview since 14.0 stands before Part, and only beside another Type than plain text', async () => {
  const { phone, item } = await start('14.0');
  const html = preference(2, limit(20), [AirSyncBase.Preview, 10]);
  const { properties } = await phone.fetch(item, [html], true);
  const body = child(properties, AirSyncBase.Body);
  expect(tagsOf(body)).toEqual(['Type', 'EstimatedDataSize', 'Truncated', 'Preview', 'Part']);
  expect(textOf(body, AirSyncBase.Preview)).toBe('plain ääää');
});

test('ItemOperations Schema: what a Search has found is fetched by LongId with it', async () => {
  const { phone, item } = await start('14.1');
  const fetch = el(
    ItemOperations.Fetch,
    el(ItemOperations.Store, 'Mailbox'),
    el(Search.LongId, item.serverId),
    el(ItemOperations.Options, schema(Email.Subject)),
  );
  const { element } = await phone.command('ItemOperations', el(ItemOperations.ItemOperations, fetch));
  const answer = child(element, ItemOperations.Response, ItemOperations.Fetch);
  expect(textOf(answer, Search.LongId)).toBe(item.serverId);
  expect(tagsOf(child(answer, ItemOperations.Properties))).toEqual(['Subject']);
});
