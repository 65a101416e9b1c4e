import { expect, test } from 'vitest';
import { AirSync } from './code-pages/air-sync.ts';
import { AirSyncBase } from './code-pages/air-sync-base.ts';
import { ComposeMail } from './code-pages/compose-mail.ts';
import { Contacts } from './code-pages/contacts.ts';
import { Email } from './code-pages/email.ts';
import { Email2 } from './code-pages/email2.ts';
import { GAL } from './code-pages/gal.ts';
import { ItemOperations } from './code-pages/item-operations.ts';
import { Search } from './code-pages/search.ts';
import { Settings } from './code-pages/settings.ts';
import { el } from './element.ts';
import { headerOfMessage, toXml } from './xml.ts';

const message = `Subject: A & <b>\r\nTo: bob@example.test\r\n\r\n${'attached bytes '.repeat(100)}`;

test('a document is indented XML: empty elements, texts, names of other pages with a prefix', () => {
  const root = el(
    AirSync.Sync,
    el(AirSync.Collections, el(AirSync.SyncKey, 'a<b & "c"\u0001'), el(AirSync.Partial)),
    el(Email.Subject, 'Hi'),
    el(Email2.ConversationId, Buffer.from([1, 2, 255])),
  );
  expect(toXml(root, 10_000)).toBe(
    [
      '<Sync xmlns="AirSync" xmlns:Email="Email" xmlns:Email2="Email2">',
      '  <Collections>',
      '    <SyncKey>a&lt;b &amp; "c"\ufffd</SyncKey>',
      '    <Partial/>',
      '  </Collections>',
      '  <Email:Subject>Hi</Email:Subject>',
      '  <Email2:ConversationId>0102ff</Email2:ConversationId>',
      '</Sync>',
    ].join('\n'),
  );
});

test.each([
  ['the password of a device', el(Settings.Settings, el(Settings.Password, 'hunter2'))],
  [
    'the same in what nobody defined',
    el(Settings.Settings, el(Settings.Password, el(Settings.IMEI, 'hunter2'))),
  ],
  ['the same in its Set', el(Settings.Settings, el(Settings.DevicePassword, el(Settings.Set, 'hunter2')))],
  ['the same in its node', el(Settings.Settings, el(Settings.DevicePassword, Buffer.from('hunter2')))],
  ['the password of a document library', el(Search.Search, el(Search.Password, 'hunter2'))],
  ['the same to fetch', el(ItemOperations.ItemOperations, el(ItemOperations.Password, 'hunter2'))],
  ['an attachment', el(ItemOperations.ItemOperations, el(ItemOperations.Data, 'hunter2'))],
  ['an attachment of a draft', el(AirSync.Sync, el(AirSyncBase.Content, Buffer.from('hunter2')))],
  ['a photo', el(Search.Search, el(GAL.Data, Buffer.from('hunter2')))],
  ['a picture of a contact', el(AirSync.Sync, el(Contacts.Picture, 'hunter2'))],
])('the bytes of %s are not shown, but that they were there', (_what, root) => {
  const xml = toXml(root, 10_000);
  expect(xml).not.toMatch(/hunter2|68756e74/);
  expect(xml).toMatch(/<!-- (?:withheld|7 bytes left out) -->/);
});

test('the Status of DevicePassword is shown', () => {
  const answer = el(Settings.Settings, el(Settings.DevicePassword, el(Settings.Status, 7)));
  expect(toXml(answer, 1000)).toContain('<Status>7</Status>');
});

test.each([
  ['Mime', el(ComposeMail.SendMail, el(ComposeMail.Mime, Buffer.from(message)))],
  ['Mime as text', el(ComposeMail.SendMail, el(ComposeMail.Mime, message))],
  ['MIMEData', el(AirSync.Sync, el(Email.MIMEData, message))],
  [
    'a Body of Type 4',
    el(
      AirSync.Sync,
      el(AirSyncBase.Body, el(AirSyncBase.Type, 4), el(AirSyncBase.Data, Buffer.from(message))),
    ),
  ],
])('of a message in %s there is the header only', (_where, root) => {
  const xml = toXml(root, 10_000);
  expect(xml).toContain('Subject: A &amp; &lt;b&gt;');
  expect(xml).not.toContain('attached');
  expect(xml).toMatch(/<!-- \d{4} bytes left out -->/);
});

test('a message without an end of its header is cut at 4 KiB', () => {
  const text = headerOfMessage(Buffer.from('x'.repeat(100_000)));
  expect(text).toHaveLength(4096 + '\n<!-- 95904 bytes left out -->'.length);
});

test('long texts are cut, and a long document ends where it is full, its elements closed', () => {
  const long = el(AirSync.Sync, el(AirSyncBase.Data, `${'x'.repeat(1023)}\u{1f600}${'y'.repeat(5000)}`));
  const xml = toXml(long, 100_000);
  expect(xml).toContain('characters left out -->');
  expect(xml.length).toBeLessThan(1300);
  expect(xml.isWellFormed()).toBe(true);
  const items = Array.from({ length: 1000 }, (_, n) => el(AirSync.Add, el(AirSync.ServerId, `1:${n}`)));
  const cut = toXml(el(AirSync.Sync, el(AirSync.Commands, ...items)), 2000);
  expect(cut.length).toBeLessThan(2300);
  expect(cut).toMatch(/<!-- the rest is left out -->\n(?: *<\/\w+>\n)*<\/Sync>$/);
});
