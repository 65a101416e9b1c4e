/** HTML bodies over the wire: cleaned of what a phone must not run, in every version that has them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { deliverRaw, preference, startPhone, type Version, versionsWithBodies } from './sync-phone.ts';

const { TruncationSize, AllOrNone, Preview } = AirSyncBase;
const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';
const ofHtml = (html: string, charset = 'utf-8') =>
  `${head}Content-Type: text/html; charset=${charset}\r\n\r\n${html}\r\n`;
const hostile = [
  '<html><head><meta charset="windows-1252"><title>T</title><base href="https://x.example/">',
  '<style>@import url(https://x.example/a.css);p{color:red}</style>',
  '<link rel=stylesheet href="https://x.example/b.css"><script>alert(1)</script></head>',
  '<body onload="alert(2)"><!--[if mso]><p>word</p><![endif]-->',
  '<p style="color:blue;width:expression(alert(3))">Hello <b onclick=alert(4)>world</b></p>',
  '<a href="javascript:alert(5)">a</a><a href="https://x.example/?a=1&amp;b=2">b</a>',
  '<img src="cid:logo@x"><img src="https://x.example/p.png"><img src=x onerror=alert(6)>',
  '<form action="https://x.example"><input name=password>sign in</form>',
  '<svg onload=alert(7)><script>alert(8)</script></svg><iframe src="https://x.example"></iframe>',
  '<object data=x></object><embed src=x></body></html>',
].join('');
const cleaned = [
  '<html><head><meta charset="utf-8" /><style>p{color:red}</style></head>',
  '<body><p style="color:blue;">Hello <b>world</b></p>',
  '<a>a</a><a href="https://x.example/?a=1&amp;b=2">b</a>',
  '<img src="cid:logo@x" /><img src="https://x.example/p.png" /><img src="x" />sign in',
  '</body></html>',
].join('');

async function bodyWith(phone: EasClient, inbox: string, options: readonly Element[]) {
  phone.collection(inbox).reset();
  const [item] = (await phone.syncAll(inbox, { options })).values();
  return bodyOf(item);
}

function bodyOf(item: Element | undefined) {
  const body = child(item, AirSyncBase.Body);
  return {
    type: textOf(body, AirSyncBase.Type),
    data: child(body, AirSyncBase.Data)?.text,
    size: Number(textOf(body, AirSyncBase.EstimatedDataSize)),
    truncated: textOf(body, AirSyncBase.Truncated),
    preview: textOf(body, AirSyncBase.Preview),
    native: textOf(item, AirSyncBase.NativeBodyType),
  };
}

async function startWith(raw: string | Uint8Array, version: Version = '14.1') {
  const started = await startPhone(version);
  await deliverRaw(started.server, raw);
  const { phone, inbox } = started;
  return { ...started, body: (...options: readonly Element[]) => bodyWith(phone, inbox, options) };
}

describe.each(versionsWithBodies)('%s: Body', (version) => {
  test('Sync: HTML (Type 2) comes without what a phone must not run, and EstimatedDataSize is that of what is left', async () => {
    const { body } = await startWith(ofHtml(hostile), version);
    const made = await body(preference(2));
    expect(made.data?.trimEnd()).toBe(cleaned);
    expect(made).toMatchObject({ type: '2', native: '2', truncated: '0' });
    expect(made.size).toBe(Buffer.byteLength(made.data ?? ''));
  });

  test('Sync: TruncationSize counts bytes of cleaned HTML, and cuts between tags and characters', async () => {
    const { body } = await startWith(ofHtml(hostile), version);
    const whole = await body(preference(2));
    const all = whole.data ?? '';
    expect(await body(preference(2, [TruncationSize, whole.size]))).toMatchObject({
      data: all,
      truncated: '0',
    });
    for (const bytes of [whole.size - 1, 150, 90, 60]) {
      const { data = '', truncated, size } = await body(preference(2, [TruncationSize, bytes]));
      expect(truncated).toBe('1');
      expect(all.startsWith(data)).toBe(true);
      expect(Buffer.byteLength(data)).toBeLessThanOrEqual(bytes);
      expect(data).not.toMatch(/<[^>]*$|&\w*$/);
      expect(size).toBeGreaterThan(bytes);
    }
  });

  test('Sync: MIME (Type 4) stays as it was received', async () => {
    const { body } = await startWith(ofHtml(hostile), version);
    const made = await body(el(AirSync.MIMESupport, 2), preference(4));
    expect(made).toMatchObject({ type: '4', data: ofHtml(hostile) });
  });
});

test('ItemOperations: Fetch gives cleaned HTML, inline and as a part', async () => {
  const { phone, inbox, body } = await startWith(ofHtml(hostile));
  await body(preference(2));
  const [serverId = ''] = phone.collection(inbox).items.keys();
  const fetch = el(
    ItemOperations.ItemOperations,
    el(
      ItemOperations.Fetch,
      el(ItemOperations.Store, 'Mailbox'),
      el(AirSync.CollectionId, inbox),
      el(AirSync.ServerId, serverId),
      el(ItemOperations.Options, preference(2)),
    ),
  );
  const { element } = await phone.post('ItemOperations', fetch);
  const properties = child(element, ItemOperations.Response, ItemOperations.Fetch, ItemOperations.Properties);
  expect(bodyOf(properties).data?.trimEnd()).toBe(cleaned);
});

test('Sync: HTML whose beginning is all left out still fills TruncationSize', async () => {
  const junk = `<!--[if gte mso 9]>${'x'.repeat(300_000)}<![endif]-->`;
  const { body } = await startWith(ofHtml(`<html><body>${junk}<p>${'word '.repeat(200)}</p></body></html>`));
  const { data = '', truncated } = await body(preference(2, [TruncationSize, 500]));
  expect(truncated).toBe('1');
  expect(data.length).toBeGreaterThan(450);
  expect(data).toMatch(/^<html><body><p>word word/);
});

test('Sync: a message whose HTML is nothing but scripts has an empty Body that is whole', async () => {
  const { body } = await startWith(ofHtml('<script>alert(1)</script>'));
  for (const options of [preference(2), preference(2, [TruncationSize, 10], [AllOrNone, true])]) {
    const made = await body(options);
    expect(made).toMatchObject({ type: '2', truncated: '0' });
    expect(made.data?.trim()).toBe('');
  }
});

test('Sync: HTML in another charset comes as UTF-8 and says so', async () => {
  const raw = Buffer.from(ofHtml('<meta charset=iso-8859-1><p>Gr\xfc\xdfe</p>', 'iso-8859-1'), 'latin1');
  const { body } = await startWith(raw);
  expect((await body(preference(2))).data?.trimEnd()).toBe('<meta charset="utf-8" /><p>Grüße</p>');
});

test('Sync: Preview is 0 to 255 characters, whole ones', async () => {
  const { body } = await startWith(ofHtml(`<p>${'😀'.repeat(300)}</p>`));
  expect((await body(preference(2, [Preview, 0]))).preview).toBeUndefined();
  expect((await body(preference(2, [Preview, 1]))).preview).toBe('😀');
  expect((await body(preference(2, [Preview, 255]))).preview).toBe('😀'.repeat(255));
});

test('Sync: the hostile message of the fixtures comes, and others have their turn', async () => {
  const url = new URL('../fixtures/mail/59-html-hostile.eml', import.meta.url);
  const { body } = await startWith(readFileSync(url));
  const { data = '' } = await body(preference(2));
  expect(data).toContain('Deep text');
  expect(data).not.toMatch(/alert|evil|script/);
});

test('Sync: HTML with inline pictures keeps their cid, and their attachments are marked', async () => {
  const url = new URL('../fixtures/mail/24-inline-images-html.eml', import.meta.url);
  const { phone, inbox, body } = await startWith(readFileSync(url));
  const { data = '' } = await body(preference(2));
  const [item] = phone.collection(inbox).items.values();
  const inline = child(item, AirSyncBase.Attachments)?.children.filter(
    (one) => textOf(one, AirSyncBase.IsInline) === '1',
  );
  expect(inline?.length).toBeGreaterThan(0);
  for (const one of inline ?? []) {
    expect(data).toContain(`cid:${textOf(one, AirSyncBase.ContentId)}`);
  }
});

test('2.5: Sync: MaxEmailBodyTruncationSize of the policy cuts the Body', async () => {
  const { server, phone, inbox } = await startPhone('2.5');
  await deliverRaw(server, ofHtml(`<p>${'word '.repeat(100)}</p>`));
  const policy = {
    settings: { MaxEmailBodyTruncationSize: 20 },
    allowNonProvisionableDevices: true,
  } as const;
  await server.policies.put(server.organization, 'organization', policy);
  await phone.provision();
  for (const options of [[el(AirSync.Truncation, 9)], [el(AirSync.Truncation, 1)]]) {
    phone.collection(inbox).reset();
    const [item] = (await phone.syncAll(inbox, { options })).values();
    expect(textOf(item, Email.Body)).toBe('word word word word ');
    expect(textOf(item, Email.BodyTruncated)).toBe('1');
    expect(Number(textOf(item, Email.BodySize))).toBeGreaterThan(20);
  }
});
