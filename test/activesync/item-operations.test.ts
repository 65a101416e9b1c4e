import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId } from '#domain/ids';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import {
  child,
  childrenOf,
  type Element,
  el,
  has,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { maxMessageBytes, startEndpoint } from './server.ts';

const attached = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 251));
const mime = (to: string) =>
  [
    'From: x@example.org',
    `To: ${to}`,
    'Subject: With a file',
    'Message-ID: <file@example.org>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'Grüße aus dem Text',
    '--b',
    'Content-Type: application/octet-stream; name=a.bin',
    'Content-Disposition: attachment; filename=a.bin',
    'Content-Transfer-Encoding: base64',
    '',
    ...(attached.toString('base64').match(/.{1,76}/g) ?? []),
    '--b--',
    '',
  ].join('\r\n');
const plain = el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 1));

describe.each(['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const start = async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    await phone.sendMail(mime(server.alice.address));
    const inbox = phone.folder(2);
    const [found] = await phone.syncAll(inbox, { body: { type: 1, truncationSize: 5 } });
    const [serverId, properties] = found ?? [];
    const attachment = child(properties, AirSyncBase.Attachments, AirSyncBase.Attachment);
    const fileReference = textOf(attachment, AirSyncBase.FileReference) ?? '';
    return { server, phone, inbox, serverId: serverId ?? '', fileReference };
  };

  test('an item comes whole, or with the properties asked for', async () => {
    const { phone, inbox, serverId } = await start();
    const item = { collectionId: inbox, serverId };
    const { status, properties } = await phone.fetch(item, [plain]);
    expect(status).toBe(1);
    expect(textOf(properties, AirSyncBase.Body, AirSyncBase.Data)).toMatch(/^Grüße aus dem Text/);
    expect(textOf(properties, Email.Subject)).toBe('With a file');
    const subject = await phone.fetch(item, [el(ItemOperations.Schema, el(Email.Subject))]);
    expect(subject.properties?.children.map(({ tag }) => tag)).toEqual([Email.Subject]);
  });

  test('an attachment comes byte for byte, whole and in ranges', async () => {
    const { phone, fileReference } = await start();
    const whole = await phone.fetch({ fileReference });
    expect(Buffer.from(textOf(whole.properties, ItemOperations.Data) ?? '', 'base64').equals(attached)).toBe(
      true,
    );
    expect(has(whole.properties, ItemOperations.Range)).toBe(false);
    const part = await phone.fetch({ fileReference }, [el(ItemOperations.Range, '2990-99999')]);
    expect(textOf(part.properties, ItemOperations.Range)).toBe('2990-2999');
    expect(integerOf(part.properties, ItemOperations.Total)).toBe(3000);
    const bytes = Buffer.from(textOf(part.properties, ItemOperations.Data) ?? '', 'base64');
    expect(bytes.equals(attached.subarray(2990))).toBe(true);
    for (const range of ['3000-3001', '5-4']) {
      expect((await phone.fetch({ fileReference }, [el(ItemOperations.Range, range)])).status).toBe(8);
    }
  });

  test('ItemOperations: an attachment without bytes: a Range that begins at 0 gives it, without Range and with Total 0', async () => {
    const { server, phone, inbox } = await start();
    const data = (attached.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n');
    const empty = mime(server.alice.address).replace(data, '').replace('<file@', '<empty@');
    await phone.sendMail(empty, { saveInSent: false });
    const items = await phone.syncAll(inbox);
    const attachments = [...items.values()].map((item) =>
      child(item, AirSyncBase.Attachments, AirSyncBase.Attachment),
    );
    const found = attachments.find((one) => integerOf(one, AirSyncBase.EstimatedDataSize) === 0);
    const fileReference = textOf(found, AirSyncBase.FileReference) ?? '';
    expect((await phone.fetch({ fileReference })).status).toBe(1);
    const { status, properties } = await phone.fetch({ fileReference }, [el(ItemOperations.Range, '0-999')]);
    expect([status, textOf(properties, ItemOperations.Data)]).toEqual([1, '']);
    expect(has(properties, ItemOperations.Range)).toBe(false);
    expect(integerOf(properties, ItemOperations.Total)).toBe(0);
    expect((await phone.fetch({ fileReference }, [el(ItemOperations.Range, '1-999')])).status).toBe(8);
  });

  test('an attachment is found by its old reference after the device has moved its message', async () => {
    const { phone, inbox, serverId, fileReference } = await start();
    await phone.moveItems({ item: serverId, from: inbox, to: phone.folder(4) });
    const { status, properties } = await phone.fetch({ fileReference });
    expect(status).toBe(1);
    const bytes = Buffer.from(textOf(properties, ItemOperations.Data) ?? '', 'base64');
    expect(bytes.equals(attached)).toBe(true);
  });

  test('in a multipart answer the bytes are parts', async () => {
    const { phone, inbox, serverId, fileReference } = await start();
    const file = await phone.fetch({ fileReference }, [], true);
    expect(file.response.headers['content-type']).toBe('application/vnd.ms-sync.multipart');
    expect(textOf(file.properties, ItemOperations.Part)).toBe('1');
    expect(file.response.parts[0]?.equals(attached)).toBe(true);
    const body = await phone.fetch({ collectionId: inbox, serverId }, [plain], true);
    expect(textOf(body.properties, AirSyncBase.Body, ItemOperations.Part)).toBe('1');
    expect(has(body.properties, AirSyncBase.Body, AirSyncBase.Data)).toBe(false);
    expect(body.response.parts[0]?.toString()).toMatch(/^Grüße/);
    const empty = el(ItemOperations.ItemOperations);
    const refused = await phone.post('ItemOperations', empty, {
      acceptMultiPart: true,
      validateRequest: false,
    });
    expect(refused.headers['content-type']).toBe('application/vnd.ms-sync.multipart');
    expect(refused).toMatchObject({ rootStatus: 2, parts: [] });
  });

  test('each operation has its own status, in the order asked', async () => {
    const { phone, inbox, serverId, fileReference } = await start();
    const store = el(ItemOperations.Store, 'Mailbox');
    const fetchItem = (id: string) =>
      el(ItemOperations.Fetch, store, el(AirSync.CollectionId, inbox), el(AirSync.ServerId, id));
    const fetchFile = (...ids: string[]) =>
      el(ItemOperations.Fetch, store, ...ids.map((id) => el(AirSyncBase.FileReference, id)));
    const { element } = await phone.post(
      'ItemOperations',
      el(
        ItemOperations.ItemOperations,
        // The schema wants these before what is fetched.
        el(ItemOperations.EmptyFolderContents, el(AirSync.CollectionId, '999')),
        fetchItem('nonsense'),
        fetchItem(serverId),
        fetchItem(`${inbox}:1`),
        fetchFile(''),
        fetchFile('1:2:3'),
        el(ItemOperations.Fetch, store, el(Search.LongId)),
        fetchFile(fileReference, fileReference),
        el(ItemOperations.Fetch, el(ItemOperations.Store, 'DocumentLibrary')),
        el(ItemOperations.Fetch, store),
      ),
      { validateRequest: false },
    );
    const nodes = child(element, ItemOperations.Response)?.children ?? [];
    expect(nodes.map((node) => integerOf(node, ItemOperations.Status))).toEqual([
      6, 6, 1, 6, 15, 15, 2, 2, 9, 2,
    ]);
  });

  test('ItemOperations: a name beyond its length is not repeated: Fetch answers Status 2 or 15, EmptyFolderContents 2', async () => {
    const { phone, inbox, serverId } = await start();
    const long = 'x'.repeat(600);
    const fetch = (...name: readonly Element[]) =>
      el(ItemOperations.Fetch, el(ItemOperations.Store, 'Mailbox'), ...name);
    const body = el(
      ItemOperations.ItemOperations,
      fetch(el(AirSync.CollectionId, long), el(AirSync.ServerId, serverId)),
      fetch(el(AirSync.CollectionId, inbox), el(AirSync.ServerId, long)),
      fetch(el(AirSyncBase.FileReference, long)),
      el(ItemOperations.EmptyFolderContents, el(AirSync.CollectionId, long)),
      el(ItemOperations.EmptyFolderContents, el(AirSync.CollectionId)),
      el(ItemOperations.EmptyFolderContents),
    );
    const response = await phone.post('ItemOperations', body, { validateRequest: false });
    const results = child(response.element, ItemOperations.Response)?.children ?? [];
    expect(results.map((one) => textOf(one, ItemOperations.Status))).toEqual(['2', '2', '15', '2', '2', '2']);
    expect(response.body.includes(long)).toBe(false);
  });

  test('no operation answers Status 2, more than a hundred 11', async () => {
    const { phone, inbox, serverId } = await start();
    const fetch = el(
      ItemOperations.Fetch,
      el(ItemOperations.Store, 'Mailbox'),
      el(AirSync.CollectionId, inbox),
      el(AirSync.ServerId, serverId),
    );
    for (const [count, status] of [
      [0, 2],
      [101, 11],
    ] as const) {
      const body = el(ItemOperations.ItemOperations, ...Array.from({ length: count }, () => fetch));
      const { rootStatus } = await phone.post('ItemOperations', body, { validateRequest: false });
      expect(rootStatus).toBe(status);
    }
  });

  test('an answer does not grow without bound: what has no room in it answers 11', async () => {
    const { server, phone } = await start();
    const more = 'QUFB'.repeat(maxMessageBytes / 8);
    await phone.sendMail(
      mime(server.alice.address).replace('\r\n--b--', `\r\n${more}$&`).replace('<file@', '<large@'),
    );
    await phone.syncAll(phone.folder(2));
    const references = [...phone.collection(phone.folder(2)).items.values()].map((item) =>
      textOf(item, AirSyncBase.Attachments, AirSyncBase.Attachment, AirSyncBase.FileReference),
    );
    const fetches = Array.from({ length: 100 }, (_, n) =>
      el(
        ItemOperations.Fetch,
        el(ItemOperations.Store, 'Mailbox'),
        el(AirSyncBase.FileReference, references[n % 2]),
      ),
    );
    for (const acceptMultiPart of [false, true]) {
      const request = el(ItemOperations.ItemOperations, ...fetches);
      const { element, body } = await phone.post('ItemOperations', request, { acceptMultiPart });
      const answers = childrenOf(child(element, ItemOperations.Response), ItemOperations.Fetch);
      const statuses = answers.map((answer) => integerOf(answer, ItemOperations.Status));
      expect(statuses.slice(0, 3)).toEqual([1, 1, 1]);
      expect(statuses.at(-1)).toBe(11);
      expect(statuses).toHaveLength(100);
      expect(body.length).toBeLessThan(4 * maxMessageBytes);
    }
  });

  test('EmptyFolderContents deletes for good, and the device hears of it; doing it again does no harm', async () => {
    const { phone, inbox } = await start();
    const body = el(
      ItemOperations.ItemOperations,
      el(ItemOperations.EmptyFolderContents, el(AirSync.CollectionId, inbox)),
    );
    for (let n = 0; n < 2; n++) {
      const { element } = await phone.command('ItemOperations', body);
      const [node] = childrenOf(child(element, ItemOperations.Response), ItemOperations.EmptyFolderContents);
      expect(integerOf(node, ItemOperations.Status)).toBe(1);
    }
    expect((await phone.syncAll(inbox)).size).toBe(0);
    expect((await phone.syncAll(phone.folder(4))).size).toBe(0);
  });
});

test('an attachment whose bytes are lost answers 3, and the others of the request come', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  const inbox = phone.folder(2);
  const small = mime(server.alice.address);
  for (const raw of [small, small.replace('<file@', '<large@').replace('Grüße', 'x'.repeat(100_000))]) {
    await phone.sendMail(raw, { saveInSent: false });
  }
  await phone.syncAll(inbox);
  const reader = server.database.mail.mailbox(server.alice.mailbox);
  const references: string[] = [];
  for (const [serverId, properties] of phone.collection(inbox).items) {
    const item = await reader.item(1 as FolderId, Number(serverId.split(':')[1]) as ItemId);
    const isLarge = item?.body.kind === 'blob';
    if (item?.body.kind === 'blob') await server.database.blobs.remove({ id: item.body.id, size: item.size });
    const attachment = child(properties, AirSyncBase.Attachments, AirSyncBase.Attachment);
    const reference = textOf(attachment, AirSyncBase.FileReference) ?? '';
    if (isLarge) references.unshift(reference);
    else references.push(reference);
  }
  const fetches = references.map((reference) =>
    el(ItemOperations.Fetch, el(ItemOperations.Store, 'Mailbox'), el(AirSyncBase.FileReference, reference)),
  );
  const { element } = await phone.post('ItemOperations', el(ItemOperations.ItemOperations, ...fetches));
  const answers = childrenOf(child(element, ItemOperations.Response), ItemOperations.Fetch);
  expect(answers.map((answer) => integerOf(answer, ItemOperations.Status))).toEqual([3, 1]);
});

test('the policy may forbid attachments, or large ones', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  const put = (settings: Record<string, unknown>) =>
    server.policies.put(server.organization, 'organization', {
      settings,
      allowNonProvisionableDevices: false,
    });
  await phone.provision();
  await phone.sendMail(mime(server.alice.address));
  await phone.folderSync();
  const [[, properties] = []] = [...(await phone.syncAll(phone.folder(2)))];
  const fileReference =
    textOf(properties, AirSyncBase.Attachments, AirSyncBase.Attachment, AirSyncBase.FileReference) ?? '';
  for (const [settings, status] of [
    [{ AttachmentsEnabled: false }, 16],
    [{ MaxAttachmentSize: 2999 }, 11],
    [{ MaxAttachmentSize: 3000 }, 1],
  ] as const) {
    await put(settings);
    await phone.provision();
    expect((await phone.fetch({ fileReference })).status).toBe(status);
  }
});

test.each([
  ['AttachmentsEnabled', 1],
  ['AllowHTMLEmail', 1],
  ['AllowCamera', 4],
] as const)(
  'a policy without %s sends a body of Type %i where the whole MIME is wanted',
  async (setting, type) => {
    const server = await startEndpoint();
    const phone = server.phone('14.1');
    await server.policies.put(server.organization, 'organization', {
      settings: { [setting]: false },
      allowNonProvisionableDevices: false,
    });
    await phone.provision();
    await phone.sendMail(mime(server.alice.address));
    await phone.folderSync();
    const collectionId = phone.folder(2);
    const [[serverId = ''] = []] = [...(await phone.syncAll(collectionId))];
    const { properties } = await phone.fetch({ collectionId, serverId }, [
      el(AirSync.MIMESupport, 2),
      el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 4)),
    ]);
    expect(textOf(properties, AirSyncBase.Body, AirSyncBase.Type)).toBe(String(type));
  },
);
