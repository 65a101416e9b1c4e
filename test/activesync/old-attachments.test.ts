/** GetAttachment, up to 12.1. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import {
  addDraft,
  file as addedFile,
  attachments,
  body,
  change,
  letter,
  removedFile,
  startDrafts,
} from './drafts-phone.ts';
import { deliverRaw, startPhone } from './sync-phone.ts';

const old = ['2.5', '12.0', '12.1'] as const;
const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, n) => (n * 7 + (n >> 8)) % 251));
const base64 = (data: Buffer) => (data.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n');
const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

const part = (head: string, ...lines: readonly string[]) => ['--b', head, ...lines].join('\r\n');
const mime = (...parts: readonly string[]) =>
  [
    'From: x@example.org',
    'To: alice@example.test',
    'Subject: Files',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    part('Content-Type: text/plain', '', 'Text'),
    ...parts,
    '--b--',
    '',
  ].join('\r\n');
const file = (name: string, data: Buffer, type = 'application/octet-stream') =>
  part(
    `Content-Type: ${type}; name="${name}"`,
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    base64(data),
  );

/** What GetAttachment calls each attachment of a message. */
function namesOf(item: Element | undefined): string[] {
  const oldNames = childrenOf(child(item, Email.Attachments), Email.Attachment);
  const names = childrenOf(child(item, AirSyncBase.Attachments), AirSyncBase.Attachment);
  return [
    ...oldNames.map((one) => textOf(one, Email.AttName) ?? ''),
    ...names.map((one) => textOf(one, AirSyncBase.FileReference) ?? ''),
  ];
}

async function startWith(version: (typeof old)[number], raw: string) {
  const started = await startPhone(version);
  await deliverRaw(started.server, raw);
  const [entry] = await started.phone.syncAll(started.inbox);
  const [serverId = '', item] = entry ?? [];
  return { ...started, serverId, names: namesOf(item) };
}

describe.each(old)('%s: GetAttachment', (version) => {
  test('GetAttachment: a file comes byte for byte, with its type and its length', async () => {
    const data = bytes(5000);
    const { phone, names } = await startWith(version, mime(file('a.pdf', data, 'application/pdf')));
    const { status, headers, body } = await phone.getAttachment(names[0] ?? '');
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': '5000',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(body.equals(data)).toBe(true);
  });

  test('GetAttachment: a large file comes with its exact length, and is not held whole', async () => {
    const data = bytes(6 * 1024 * 1024 + 5);
    const { phone, names } = await startWith(version, mime(file('large.bin', data)));
    const [first, second] = await Promise.all(
      names.flatMap((name) => [0, 1].map(() => phone.getAttachment(name))),
    );
    for (const answer of [first, second]) {
      expect(answer?.headers['content-length']).toBe(String(data.length));
      expect(digest(answer?.body ?? Buffer.of())).toBe(digest(data));
    }
  });

  test('GetAttachment: a client that goes away in the middle leaves the next one its file', async () => {
    const data = bytes(6 * 1024 * 1024);
    const { phone, names } = await startWith(version, mime(file('large.bin', data)));
    const [name = ''] = names;
    const leaving = new AbortController();
    const asked = phone.post('GetAttachment', undefined, {
      query: { AttachmentName: name },
      signal: leaving.signal,
    });
    setImmediate(() => leaving.abort());
    await asked.catch(() => undefined);
    expect((await phone.getAttachment(name)).body.length).toBe(data.length);
  });

  test('GetAttachment: an empty file, a message and a text are there as well', async () => {
    const inner = 'Subject: Inner\r\n\r\nInner text';
    const { phone, names } = await startWith(
      version,
      mime(
        file('empty.bin', Buffer.of()),
        part('Content-Type: message/rfc822', '', inner),
        part(
          'Content-Type: text/plain; name=n.txt',
          'Content-Disposition: attachment; filename=n.txt',
          '',
          'n',
        ),
      ),
    );
    const bodies = [];
    for (const name of names) bodies.push((await phone.getAttachment(name)).body.toString());
    expect(bodies).toEqual(['', inner, 'n']);
  });

  test('GetAttachment: a name that was escaped, and one of a message that was moved, are found', async () => {
    const data = bytes(100);
    const { phone, inbox, trash, serverId, names } = await startWith(version, mime(file('a.bin', data)));
    const [name = ''] = names;
    expect((await phone.getAttachment(name.replaceAll(':', '%3a'))).body.equals(data)).toBe(true);
    await phone.moveItems({ item: serverId, from: inbox, to: trash });
    expect((await phone.getAttachment(name)).body.equals(data)).toBe(true);
  });

  test('GetAttachment: the files of a draft that another phone wrote are found, also when one of them is gone', async () => {
    const { server, phone, drafts } = await startDrafts();
    const files = attachments(...['a', 'b'].map((name) => addedFile(name, `${name}.txt`, `content ${name}`)));
    const draft = await addDraft(phone, drafts, ...letter('Files', body(1, 'Text'), files));
    const { phone: old } = await startPhone(version, { server, deviceId: 'old' });
    const names = namesOf((await old.syncAll(drafts)).get(draft));
    const contents = async () => {
      const answers = await Promise.all(names.map((name) => old.getAttachment(name)));
      return answers.map(({ status, body }) => (status === 200 ? body.toString() : status));
    };
    expect(await contents()).toEqual(['content a', 'content b']);
    const [first = ''] = names;
    await phone.sync(drafts, { commands: [change(draft, attachments(removedFile(first)))] });
    expect(await contents()).toEqual([500, 'content b']);
  });

  test('GetAttachment: a type that is none comes as application/octet-stream', async () => {
    const { phone, names } = await startWith(
      version,
      mime(part('Content-Type: a/<b>', 'Content-Disposition: attachment; filename=x', '', 'x')),
    );
    const { status, headers } = await phone.getAttachment(names[0] ?? '');
    expect([status, headers['content-type']]).toEqual([200, 'application/octet-stream']);
  });

  test('GetAttachment: what is not there is HTTP 500', async () => {
    const { phone, serverId, names } = await startWith(version, mime(file('a.bin', bytes(10))));
    for (const name of [
      `${serverId}:9`,
      '1:999999:1',
      'nonsense',
      '../../etc/passwd',
      `${names[0]}:1`,
      'x'.repeat(5000),
    ]) {
      expect((await phone.getAttachment(name)).status, name.slice(0, 20)).toBe(500);
    }
  });

  test('GetAttachment: without an AttachmentName, and with a body, it is HTTP 400', async () => {
    const { phone, names } = await startWith(version, mime(file('a.bin', bytes(10))));
    expect((await phone.post('GetAttachment')).status).toBe(400);
    expect((await phone.getAttachment('')).status).toBe(400);
    const query = { AttachmentName: names[0] ?? '' };
    const options = { query, validateRequest: false };
    expect((await phone.post('GetAttachment', el(Settings.Settings), options)).status).toBe(400);
  });

  test('GetAttachment: a policy without attachments is HTTP 500, and one with a size for larger ones', async () => {
    const { server, phone, names } = await startWith(
      version,
      mime(file('small.bin', bytes(100)), file('large.bin', bytes(101))),
    );
    const statuses = async (settings: Record<string, unknown>) => {
      const policy = { settings, allowNonProvisionableDevices: false };
      await server.policies.put(server.organization, 'organization', policy);
      await phone.provision();
      const answers = [];
      for (const name of names) answers.push((await phone.getAttachment(name)).status);
      return answers;
    };
    expect(await statuses({ MaxAttachmentSize: 100 })).toEqual([200, 500]);
    expect(await statuses({ AttachmentsEnabled: false })).toEqual([500, 500]);
    expect(await statuses({})).toEqual([200, 200]);
  });

  test('GetAttachment: without a policy key it is HTTP 449', async () => {
    const { phone, names } = await startWith(version, mime(file('a.bin', bytes(10))));
    phone.policyKey = 0;
    expect((await phone.getAttachment(names[0] ?? '')).status).toBe(449);
  });
});

test.each(['14.0', '14.1', '16.0', '16.1'] as const)(
  '%s: GetAttachment is not served: HTTP 501',
  async (version) => {
    const { server } = await startWith('2.5', mime(file('a.bin', bytes(10))));
    const phone = server.phone(version);
    await phone.provision();
    expect((await phone.getAttachment('1:1:1')).status).toBe(501);
  },
);

test('12.0 and 12.1: an attachment has one name for GetAttachment and ItemOperations', async () => {
  for (const version of ['12.0', '12.1'] as const) {
    const { phone, names } = await startWith(version, mime(file('a.bin', bytes(10))));
    const [fileReference = ''] = names;
    expect((await phone.fetch({ fileReference })).status).toBe(1);
    expect((await phone.getAttachment(fileReference)).status).toBe(200);
  }
});
