import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { mailboxPart, u64 } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import type { EasClient } from '#test/support/eas-client';
import {
  deliverRaw,
  elsewhere,
  preference,
  startPhone,
  type Version,
  versionsWithBodies,
} from './sync-phone.ts';

const { TruncationSize, AllOrNone, Preview } = AirSyncBase;
const head = 'From: A <a@example.org>\r\nTo: alice@example.test\r\nSubject: S\r\nMIME-Version: 1.0\r\n';
const plainText = 'Grüße, 世界 😀!\r\n';
const plain = `${head}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${plainText}`;
const htmlText = '<html><body><p>Hello <b>world</b> &amp; all</p></body></html>';
const html = `${head}Content-Type: text/html; charset=utf-8\r\n\r\n${htmlText}\r\n`;
const both = `${head}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nJust text\r\n--b\r\nContent-Type: text/html\r\n\r\n${htmlText}\r\n--b--\r\n`;
const signed = readFileSync(new URL('../fixtures/mail/26-smime-signed.eml', import.meta.url));

interface Body {
  readonly type: number;
  readonly data: string | Buffer | undefined;
  readonly size: number;
  readonly truncated: boolean;
  readonly preview: string | undefined;
  readonly native: string | undefined;
}

/** The body of the only item of the folder, with these children of Options. */
async function bodyWith(phone: EasClient, collectionId: string, options: readonly Element[]): Promise<Body> {
  phone.collection(collectionId).reset();
  const [item] = (await phone.syncAll(collectionId, options.length > 0 ? { options } : {})).values();
  const body = child(item, AirSyncBase.Body);
  expect(body?.children.map(({ tag }) => tag.name)).toEqual(
    ['Type', 'EstimatedDataSize', 'Truncated', 'Data', 'Preview'].filter((name) =>
      body?.children.some(({ tag }) => tag.name === name),
    ),
  );
  const data = child(body, AirSyncBase.Data);
  return {
    type: Number(textOf(body, AirSyncBase.Type)),
    data: data?.opaque === undefined ? data?.text : Buffer.from(data.opaque),
    size: Number(textOf(body, AirSyncBase.EstimatedDataSize)),
    truncated: textOf(body, AirSyncBase.Truncated) === '1',
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

const mime = (
  support: number,
  ...rest: Parameters<typeof preference> extends [number, ...infer R] ? R : never
) => [el(AirSync.MIMESupport, support), preference(4, ...rest)];

describe.each(versionsWithBodies)('%s', (version) => {
  test('plain text is cut between characters, and says how long it is', async () => {
    const { body } = await startWith(plain, version);
    const size = Buffer.byteLength(plainText);
    const whole = { type: 1, data: plainText, size, truncated: false, native: '1' };
    expect(await body(preference(1))).toMatchObject(whole);
    expect(await body(preference(1, [TruncationSize, size]))).toMatchObject(whole);
    expect(await body(preference(1, [TruncationSize, 4_294_967_295]))).toMatchObject(whole);
    expect(await body(preference(1, [TruncationSize, size - 1]))).toMatchObject({ truncated: true, size });
    for (const [bytes, text] of [
      [3, 'Gr'],
      [4, 'Grü'],
      [11, 'Grüße, '],
      [12, 'Grüße, 世'],
      [14, 'Grüße, 世'],
      [15, 'Grüße, 世界'],
      [19, 'Grüße, 世界 '],
      [20, 'Grüße, 世界 😀'],
    ] as const) {
      const made = await body(preference(1, [TruncationSize, bytes]));
      expect([made.data, made.truncated], String(bytes)).toEqual([text, true]);
    }
    const nothing = await body(preference(1, [TruncationSize, 0]));
    expect(nothing).toMatchObject({ type: 1, data: undefined, size, truncated: true });
  });

  test('MIME comes as it was received, with MIMESupport 2 and a preference for it', async () => {
    const { body } = await startWith(plain, version);
    const size = Buffer.byteLength(plain);
    expect(await body(...mime(2))).toMatchObject({ type: 4, data: plain, size, truncated: false });
    expect(await body(...mime(0))).toMatchObject({ type: 1, data: plainText });
    expect(await body(...mime(1))).toMatchObject({ type: 1, data: plainText });
    expect(await body(el(AirSync.MIMESupport, 2), preference(1))).toMatchObject({ type: 1 });
    expect(await body(...mime(2), preference(1))).toMatchObject({ type: 4 });
    expect(await body(...mime(2, [TruncationSize, 20]))).toMatchObject({
      type: 4,
      data: plain.slice(0, 20),
      size,
    });
    expect(await body(...mime(2, [TruncationSize, 0]))).toMatchObject({ type: 4, truncated: true, size });
    expect(await body(...mime(2), el(AirSync.MIMETruncation, 0))).toMatchObject({ truncated: true, size });
    expect(await body(...mime(2), el(AirSync.MIMETruncation, 1))).toMatchObject({
      data: plain,
      truncated: false,
    });
    const inside = Buffer.byteLength(plain.slice(0, plain.indexOf('世'))) + 1;
    const cut = await body(...mime(2, [TruncationSize, inside]));
    expect(cut).toMatchObject({ data: plain.slice(0, plain.indexOf('世')), truncated: true });
  });

  test('S/MIME comes as MIME with MIMESupport 1, and its attachments are listed all the same', async () => {
    const { body, phone, inbox } = await startWith(signed, version);
    expect(await body(...mime(1))).toMatchObject({ type: 4, data: signed.toString() });
    const [item] = phone.collection(inbox).items.values();
    expect(textOf(item, Email.MessageClass)).toBe('IPM.Note.SMIME.MultipartSigned');
    expect(child(item, AirSyncBase.Attachments)?.children).toHaveLength(1);
    expect(await body(...mime(0))).toMatchObject({ type: 1 });
  });

  test.runIf(isAtLeast(version, '12.1'))(
    'Preview comes beside HTML from 14.0 on, and not beside plain text',
    async () => {
      const { body } = await startWith(html, version);
      const made = await body(preference(2, [TruncationSize, 0], [Preview, 5]));
      expect(made).toMatchObject({ type: 2, preview: isAtLeast(version, '14.0') ? 'Hello' : undefined });
      expect((await body(preference(1, [Preview, 5]))).preview).toBeUndefined();
      const without = await body(preference(1, [TruncationSize, 0], [Preview, 5]));
      expect(without).toMatchObject({ type: 1, preview: isAtLeast(version, '14.0') ? 'Hello' : undefined });
      expect(without.data).toBeUndefined();
    },
  );
});

describe.each(['12.0', '14.1', '16.1'] as const)('%s', (version) => {
  test('of several preferences the native type wins; without it the body is converted', async () => {
    const { body } = await startWith(html, version);
    expect(await body(preference(1), preference(2))).toMatchObject({ type: 2, native: '2' });
    expect(await body(preference(2), preference(1))).toMatchObject({ type: 2 });
    expect(await body(preference(1))).toMatchObject({
      type: 1,
      native: '2',
      data: expect.stringContaining('Hello world & all'),
    });
    expect(await body(preference(3))).toMatchObject({ type: 1 });
    const text = await startWith(plain, version);
    expect(await text.body(preference(2), preference(1))).toMatchObject({ type: 1, native: '1' });
    const converted = await text.body(preference(2));
    expect(converted).toMatchObject({ type: 2, native: '1' });
    expect(converted.data).toContain('Grüße, 世界 😀!');
    expect(converted.data).toMatch(/^<html/i);
  });
});

test('of alternatives each preference gets its own', async () => {
  const { body } = await startWith(both);
  expect(await body(preference(1))).toMatchObject({ type: 1, data: expect.stringMatching(/^Just text/) });
  const asHtml = await body(preference(2));
  expect(asHtml).toMatchObject({ type: 2, native: '2' });
  expect(asHtml.data).toContain('<b>world</b>');
});

describe.each(['12.0', '14.1', '16.1'] as const)('%s', (version) => {
  test('AllOrNone does not cut: the next preference is taken, else there is no Data', async () => {
    const { body } = await startWith(html, version);
    const fits = preference(2, [TruncationSize, 500], [AllOrNone, true]);
    expect(await body(fits, preference(1))).toMatchObject({ type: 2, truncated: false });
    const tooLong = preference(2, [TruncationSize, 10], [AllOrNone, true]);
    expect(await body(tooLong, preference(1, [TruncationSize, 5]))).toMatchObject({
      type: 1,
      data: 'Hello',
      truncated: true,
    });
    const neither = await body(tooLong, preference(1, [TruncationSize, 5], [AllOrNone, true]));
    expect(neither).toMatchObject({ type: 2, data: undefined, truncated: true });
    expect(neither.size).toBeGreaterThan(10);
    expect(await body(preference(2, [AllOrNone, true]))).toMatchObject({ type: 2, truncated: false });
    const asMime = preference(4, [TruncationSize, 10], [AllOrNone, true]);
    expect(await body(el(AirSync.MIMESupport, 2), asMime, preference(1))).toMatchObject({ type: 1 });
  });
});

test('HTML is never cut inside a tag or a character reference', async () => {
  const { body } = await startWith(html);
  const whole = String((await body(preference(2))).data);
  for (let bytes = 1; bytes < whole.length; bytes += 3) {
    const data = String((await body(preference(2, [TruncationSize, bytes]))).data ?? '');
    expect(data.length).toBeLessThanOrEqual(bytes);
    expect(data).not.toMatch(/<[^>]*$|&\w*$/);
  }
});

test('without a preference the native type comes, up to 32 KiB', async () => {
  const { body } = await startWith(`${head}\r\n${'0123456789abcde\n'.repeat(8000).replaceAll('\n', '\r\n')}`);
  const made = await body();
  expect(made).toMatchObject({ type: 1, truncated: true, size: 17 * 8000 });
  expect(made.data).toHaveLength(32 * 1024);
});

test('an empty body is one with empty Data', async () => {
  for (const raw of [`${head}\r\n`, head, `${head}Content-Type: text/html\r\n\r\n`]) {
    const { body } = await startWith(raw);
    for (const type of [1, 2]) {
      const empty = { type, size: 0, data: '', truncated: false };
      expect(await body(preference(type, [TruncationSize, 500])), raw).toMatchObject(empty);
      expect(await body(preference(type)), raw).toMatchObject(empty);
    }
  }
});

test('MIME in 8 bits that is not UTF-8 keeps its bytes', async () => {
  const raw = Buffer.concat([
    Buffer.from(
      `${head}Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n`,
    ),
    Buffer.from('Gr\xfc\xdfe\r\n', 'latin1'),
  ]);
  const { body } = await startWith(raw);
  expect(await body(...mime(2))).toMatchObject({ type: 4, data: raw, size: raw.length });
  expect(await body(preference(1))).toMatchObject({ type: 1, data: 'Grüße\r\n' });
});

test('characters that no document may have are left out of text, and kept in MIME', async () => {
  const japanese = 'Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s\x1b(B\r\n';
  for (const [raw, text] of [
    [`${head}\r\nA\x01B\x00C\r\n`, 'ABC\r\n'],
    [`${head}${japanese}`, 'こん\r\n'],
  ] as const) {
    const { body } = await startWith(raw);
    expect(await body(preference(1))).toMatchObject({ data: text });
    expect(Buffer.from((await body(...mime(2))).data ?? '')).toEqual(Buffer.from(raw));
  }
});

test('of a large message only as much is read as is wanted', async () => {
  const line = `${'x'.repeat(70)}\r\n`;
  const attachment = `--b\r\nContent-Type: application/octet-stream; name=big.bin\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n${'QUFB'.repeat(400_000)}\r\n--b--\r\n`;
  const raw = `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n${line.repeat(5_000)}${attachment}`;
  const { server, body } = await startWith(raw);
  const read: number[] = [];
  const { mail } = server.database;
  const openBody = mail.openBody.bind(mail);
  mail.openBody = (ref, item, range) => {
    read.push((range?.[1] ?? item.size) - (range?.[0] ?? 0));
    return openBody(ref, item, range);
  };
  const made = await body(preference(1, [TruncationSize, 500]));
  expect(made).toMatchObject({ truncated: true, data: expect.stringMatching(/^x{70}\r\n/) });
  expect(made.data).toHaveLength(500);
  expect(Math.abs(made.size - 72 * 5_000)).toBeLessThan(1_000);
  expect(read.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(10_000);
  read.length = 0;
  expect(await body(...mime(2, [TruncationSize, 1000]))).toMatchObject({
    data: raw.slice(0, 1000),
    size: raw.length,
  });
  expect(read).toEqual([1000]);
  expect((await body(...mime(2))).data).toHaveLength(raw.length);
});

describe.each(['12.0', '14.1', '16.1'] as const)('%s', (version) => {
  test('a policy without HTML mail makes plain text of everything', async () => {
    const { server, phone, body } = await startWith(html, version);
    const policy = { settings: { AllowHTMLEmail: false }, allowNonProvisionableDevices: false } as const;
    await server.policies.put(server.organization, 'organization', policy);
    await phone.provision();
    for (const options of [[], [preference(2)], [preference(2), preference(1)]]) {
      expect(await body(...options)).toMatchObject({ type: 1, data: expect.stringContaining('Hello world') });
    }
  });
});

test('one message whose body is lost comes without it; the rest of the folder comes as always', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  await deliverRaw(server, plain);
  await deliverRaw(server, `${head.replace('Subject: S', 'Subject: Lost')}\r\n${'x'.repeat(100_000)}\r\n`);
  await deliverRaw(server, html);
  const reader = server.database.mail.mailbox(server.alice.mailbox);
  const folder = 1 as Parameters<typeof reader.list>[0];
  const first = { receivedMs: Number.MAX_SAFE_INTEGER, item: 0 };
  const places = await reader.list(folder, { from: first, to: { receivedMs: -1, item: 0 }, limit: 9 });
  const items = await reader.items(
    folder,
    places.map(({ item }) => item as Parameters<typeof reader.item>[1]),
  );
  const lost = items.find((item) => item?.body.kind === 'blob');
  if (lost?.body.kind !== 'blob') throw new Error('no message with a large body');
  await server.database.blobs.remove({ id: lost.body.id, size: lost.size });
  for (const options of [[], [preference(1)], [preference(2, [TruncationSize, 10])], mime(2)]) {
    phone.collection(inbox).reset();
    const held = await phone.syncAll(inbox, options.length > 0 ? { options } : {});
    expect(held.size).toBe(3);
    const item = held.get(`${inbox}:${lost.id}`);
    expect(textOf(item, Email.Subject)).toBe('Lost');
    expect(textOf(item, AirSyncBase.Body, AirSyncBase.Truncated)).toBe('1');
    expect(child(item, AirSyncBase.Body, AirSyncBase.Data)).toBeUndefined();
  }
  const fetch = el(AirSync.Fetch, el(AirSync.ServerId, `${inbox}:${lost.id}`));
  const { responses, status } = await phone.sync(inbox, { commands: [fetch] });
  expect([status, textOf(responses, AirSync.Fetch, AirSync.Status)]).toEqual([1, '6']);
  await elsewhere(server).mark(lost.id, { read: true });
  expect((await phone.sync(inbox)).commands?.children).toHaveLength(1);
  await elsewhere(server).remove(lost.id);
  expect((await phone.syncAll(inbox)).size).toBe(2);
});

test('a message that has lost its index, or whose index is damaged, comes without a body', async () => {
  const { server, phone, inbox } = await startPhone('14.1');
  const [lost, damaged, sound] = [
    await server.deliver('Lost'),
    await server.deliver('Damaged'),
    await server.deliver('x'),
  ];
  const { organization, mailbox } = server.alice.mailbox;
  const part = mailboxPart(organization, mailbox);
  await server.database.store.transact([part], async (tx) => {
    tx.del(part, mailboxRows.detail.key(u64(lost)));
    tx.put(part, mailboxRows.detail.key(u64(damaged)), Buffer.alloc(60, 1));
  });
  const held = await phone.syncAll(inbox, { body: { type: 1 } });
  const dataOf = (id: number) => textOf(held.get(`${inbox}:${id}`), AirSyncBase.Body, AirSyncBase.Data);
  expect([lost, damaged, sound].map(dataOf)).toEqual([undefined, undefined, 'Text of x\r\n']);
  const fetch = (id: number) => el(AirSync.Fetch, el(AirSync.ServerId, `${inbox}:${id}`));
  const { responses } = await phone.sync(inbox, { commands: [lost, damaged, sound].map(fetch) });
  expect(responses?.children.map((one) => textOf(one, AirSync.Status))).toEqual(['6', '6', '1']);
});
