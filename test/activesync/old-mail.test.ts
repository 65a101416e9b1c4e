/** Mail in 2.5, where AirSyncBase is not known: email:Body, MIMEData and Attachments. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { mailboxPart, u64 } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import { commands, deliverRaw, startPhone, statuses, told } from './sync-phone.ts';

const { Truncation, MIMESupport, MIMETruncation } = AirSync;
const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';
const utf8 = 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n';
const signed = readFileSync(new URL('../fixtures/mail/26-smime-signed.eml', import.meta.url));

/** The properties of 2.5 that stand for a message's body, by name. */
function bodyOf(item: Element | undefined) {
  const texts = ['Body', 'BodySize', 'BodyTruncated', 'MIMEData', 'MIMESize', 'MIMETruncated'] as const;
  return Object.fromEntries(
    texts.flatMap((name) => {
      const element = child(item, Email[name]);
      return element === undefined ? [] : [[name, element.opaque ?? element.text]];
    }),
  );
}

async function startWith(raw: string | Uint8Array) {
  const started = await startPhone('2.5');
  await deliverRaw(started.server, raw);
  const { phone, inbox } = started;
  const body = async (...options: readonly Element[]) => {
    phone.collection(inbox).reset();
    const [item] = (await phone.syncAll(inbox, { options })).values();
    return bodyOf(item);
  };
  return { ...started, body };
}

describe('2.5: Sync: Truncation', () => {
  // Characters of one, two, three and four bytes: 17 of them, and a line end.
  const line = 'aé世😀'.repeat(4);
  const text = `${line.repeat(8000)}\r\n`;
  const characters = 16 * 8000 + 2;

  test.each([
    [1, 512],
    [2, 1024],
    [3, 2048],
    [4, 5120],
    [5, 10_240],
    [6, 20_480],
    [7, 51_200],
    [8, 102_400],
  ])('Sync: Truncation %i cuts Body after %i characters, never through one', async (truncation, most) => {
    const { body } = await startWith(`${head}${utf8}${text}`);
    const made = await body(el(Truncation, truncation));
    expect(made['Body']).toBe([...text].slice(0, most).join(''));
    expect(made['BodyTruncated']).toBe('1');
    expect(Number(made['BodySize'])).toBeGreaterThan(most);
  });

  test('Sync: Truncation 0 gives no Body, 9 all of it, and none at all 32,768 characters', async () => {
    const { body } = await startWith(`${head}${utf8}${text}`);
    const none = await body(el(Truncation, 0));
    expect(none).toMatchObject({ BodyTruncated: '1' });
    expect(none).not.toHaveProperty('Body');
    const whole = { Body: text, BodySize: String(characters), BodyTruncated: '0' };
    expect(await body(el(Truncation, 9))).toEqual(whole);
    const usual = await body();
    expect([...String(usual['Body'])].length).toBe(32_768);
    expect(usual['BodyTruncated']).toBe('1');
  });

  test('Sync: Truncation 4 leaves a short Body whole, and its BodySize counts characters', async () => {
    const { body } = await startWith(`${head}${utf8}é世😀\r\n`);
    const whole = { Body: 'é世😀\r\n', BodySize: '5', BodyTruncated: '0' };
    expect(await body(el(Truncation, 4))).toEqual(whole);
    expect(await body(el(Truncation, 1))).toEqual(whole);
  });

  test('Sync: Truncation 10, -1 and x answer Status 4', async () => {
    const { phone, inbox } = await startWith(`${head}${utf8}x\r\n`);
    for (const value of ['10', '-1', 'x']) {
      const request = el(
        AirSync.Sync,
        el(AirSync.Collections, phone.collectionElement(inbox, { options: [el(Truncation, value)] })),
      );
      const { rootStatus } = await phone.post('Sync', request, { validateRequest: false });
      expect(rootStatus, value).toBe(4);
    }
  });

  test('Sync: Truncation stays in force until Options come again', async () => {
    const { server, phone, inbox } = await startPhone('2.5');
    await phone.sync(inbox, { options: [el(Truncation, 0)] });
    await deliverRaw(server, `${head}${utf8}One\r\n`);
    const first = child((await phone.sync(inbox)).commands, AirSync.Add, AirSync.ApplicationData);
    expect(bodyOf(first)).toEqual({ BodySize: '5', BodyTruncated: '1' });
    await deliverRaw(server, `${head}${utf8}Two\r\n`);
    const { commands: sent } = await phone.sync(inbox, { options: [el(AirSync.FilterType, 0)] });
    const second = child(sent, AirSync.Add, AirSync.ApplicationData);
    expect(bodyOf(second)).toEqual({ Body: 'Two\r\n', BodySize: '5', BodyTruncated: '0' });
  });
});

test('2.5: Sync: Body is plain text, of HTML too, and RTFTruncation is no matter for mail', async () => {
  const html = `${head}Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>world</b> &amp; all</p>\r\n`;
  const { body } = await startWith(html);
  const options = [el(Truncation, 9), el(AirSync.RTFTruncation, 3)];
  const { phone, inbox } = await startWith(html);
  const request = el(AirSync.Sync, el(AirSync.Collections, phone.collectionElement(inbox, { options })));
  expect((await phone.post('Sync', request, { validateRequest: false })).status).toBe(200);
  expect(await body(el(Truncation, 9))).toMatchObject({ Body: 'Hello world & all', BodyTruncated: '0' });
});

test('2.5: Sync: a message without text has an empty Body that is whole', async () => {
  const { body } = await startWith(`${head}\r\n`);
  expect(await body(el(Truncation, 0))).toEqual({ Body: '', BodySize: '0', BodyTruncated: '0' });
});

describe('2.5: Sync: MIMESupport', () => {
  const raw = `${head}${utf8}${'Grüße 😀 '.repeat(1000)}\r\n`;
  const size = String(Buffer.byteLength(raw));

  test('Sync: MIMESupport 2 gives MIMEData as it was received, 0 and 1 a Body', async () => {
    const { body } = await startWith(raw);
    expect(await body(el(MIMESupport, 2))).toEqual({ MIMEData: raw, MIMESize: size, MIMETruncated: '0' });
    expect(await body(el(MIMESupport, 2), el(MIMETruncation, 8))).toMatchObject({ MIMEData: raw });
    for (const support of [0, 1]) {
      expect(Object.keys(await body(el(MIMESupport, support)))).toEqual([
        'Body',
        'BodySize',
        'BodyTruncated',
      ]);
    }
  });

  test('Sync: MIMETruncation cuts MIMEData, never through a character; 0 gives none', async () => {
    const { body } = await startWith(raw);
    const cut = await body(el(MIMESupport, 2), el(MIMETruncation, 1));
    expect(raw.startsWith(String(cut['MIMEData']))).toBe(true);
    expect(Buffer.byteLength(String(cut['MIMEData']))).toBeLessThanOrEqual(4096);
    expect(Buffer.byteLength(String(cut['MIMEData']))).toBeGreaterThan(4092);
    expect(cut).toMatchObject({ MIMESize: size, MIMETruncated: '1' });
    const none = await body(el(MIMESupport, 2), el(MIMETruncation, 0));
    expect(none).toEqual({ MIMESize: size, MIMETruncated: '1' });
  });

  test('Sync: MIMESupport 1 gives MIMEData for S/MIME alone, with its attachments', async () => {
    const { body, phone, inbox } = await startWith(signed);
    expect(await body(el(MIMESupport, 1))).toMatchObject({ MIMEData: signed.toString() });
    const [item] = phone.collection(inbox).items.values();
    expect(textOf(item, Email.MessageClass)).toBe('IPM.Note.SMIME.MultipartSigned');
    expect(child(item, Email.Attachments)?.children).toHaveLength(1);
    expect(await body(el(MIMESupport, 0))).not.toHaveProperty('MIMEData');
  });

  test('Sync: MIMEData that is no string comes byte for byte', async () => {
    const bytes = Buffer.concat([Buffer.from(`${head}\r\n`), Buffer.from([0x47, 0xfc, 0xdf, 0x0d, 0x0a])]);
    const { body } = await startWith(bytes);
    const { MIMEData: data } = await body(el(MIMESupport, 2));
    expect(Buffer.from(data ?? '').equals(bytes)).toBe(true);
  });

  test('Sync: where the policy allows no HTML, MIMESupport 2 gives a Body', async () => {
    const { server, phone, body } = await startWith(raw);
    const policy = { settings: { AllowHTMLEmail: false }, allowNonProvisionableDevices: false };
    await server.policies.put(server.organization, 'organization', policy);
    await phone.provision();
    expect(Object.keys(await body(el(MIMESupport, 2)))).toContain('Body');
  });
});

test('2.5: Sync: Fetch gives the whole Body, or MIMEData, whatever the options cut', async () => {
  const { phone, inbox } = await startWith(`${head}${utf8}${'x'.repeat(3000)}\r\n`);
  const items = await phone.syncAll(inbox, { options: [el(Truncation, 1)] });
  const [serverId = ''] = items.keys();
  expect(textOf(items.get(serverId), Email.BodyTruncated)).toBe('1');
  const { responses } = await phone.sync(inbox, { commands: [commands.fetch(serverId)] });
  expect(statuses(responses)).toEqual([`Fetch ${serverId} 1`]);
  const fetched = child(responses, AirSync.Fetch, AirSync.ApplicationData);
  expect(bodyOf(fetched)).toMatchObject({ BodySize: '3002', BodyTruncated: '0' });
  const options = [el(MIMESupport, 2), el(MIMETruncation, 0)];
  const again = await phone.sync(inbox, { options, commands: [commands.fetch(serverId)] });
  const whole = child(again.responses, AirSync.Fetch, AirSync.ApplicationData);
  expect(bodyOf(whole)).toMatchObject({ MIMETruncated: '0' });
});

test('2.5: Sync: a message whose body is lost comes without it, and the rest of the folder with theirs', async () => {
  const { server, phone, inbox } = await startPhone('2.5');
  const [lost, kept] = [await server.deliver('Lost'), await server.deliver('Kept')];
  const { organization, mailbox } = server.alice.mailbox;
  const part = mailboxPart(organization, mailbox);
  await server.database.store.transact([part], async (tx) => {
    tx.del(part, mailboxRows.detail.key(u64(lost)));
  });
  const items = await phone.syncAll(inbox);
  const [without, whole] = [lost, kept].map((id) => items.get(`${inbox}:${id}`));
  expect(textOf(without, Email.Subject)).toBe('Lost');
  expect(Object.keys(bodyOf(without))).toEqual(['BodySize', 'BodyTruncated']);
  expect(bodyOf(whole)).toMatchObject({ Body: 'Text of Kept\r\n', BodyTruncated: '0' });
});

test('2.5: Sync: a Change of Flag or Categories alone is not told, one of Read is', async () => {
  const { server, phone, inbox } = await startPhone('2.5');
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  const { phone: tablet } = await startPhone('14.1', { server, deviceId: 'tablet' });
  await tablet.syncAll(inbox);
  const flagged = el(Email.Flag, el(Email.Status, 2), el(Email.FlagType, 'x'));
  const categories = el(Email.Categories, el(Email.Category, 'red'));
  await tablet.sync(inbox, { commands: [commands.change(`${inbox}:${id}`, flagged, categories)] });
  expect((await phone.sync(inbox)).commands).toBeUndefined();
  expect(await phone.getItemEstimate(inbox)).toEqual({ status: 1, estimate: 0 });
  await tablet.sync(inbox, { commands: [commands.read(`${inbox}:${id}`, true)] });
  expect(told((await phone.sync(inbox)).commands)).toEqual([['Change', `${inbox}:${id}`, 'Read']]);
});
