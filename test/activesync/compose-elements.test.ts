import { describe, expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import type { FolderId as FolderIdOf } from '#domain/ids';
import type { ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { RightsManagement } from '#protocols/activesync/wbxml/code-pages/rights-management';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { newItem } from '#test/support/new-item';
import { smartMail } from '#test/support/smart-mail';
import { maxMessageBytes, maxRecipients, startEndpoint } from './server.ts';

const { ClientId, AccountId, Source, ItemId, Mime, InstanceId, Forwardees, Forwardee, Email, Name } =
  ComposeMail;
const { SaveInSentItems, ReplaceMime, FolderId, LongId } = ComposeMail;
const { TemplateID } = RightsManagement;
const commands = ['SendMail', 'SmartReply', 'SmartForward'] as const;
const versions = ['14.0', '14.1', '16.0', '16.1'] as const;

/** A phone of alice, who has a message, and what it is told to a request with these elements. */
async function open(version: ProtocolVersion) {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const itemId = await server.receive(
    'From: eva@example.org\r\nTo: alice@example.test\r\nSubject: A\r\n\r\nText\r\n',
  );
  const mime = el(Mime, Buffer.from(`To: ${server.bob.address}\r\nSubject: B\r\n\r\nMine\r\n`));
  const source = el(Source, el(ItemId, itemId));
  const ask = async (command: (typeof commands)[number], ...parts: readonly Element[]) => {
    const answer = await phone.post(command, el(ComposeMail[command], ...parts), { validateRequest: false });
    return answer.rootStatus ?? (answer.body.length === 0 ? 1 : Number.NaN);
  };
  const got = () => server.messages(server.bob, FolderType.Inbox);
  return { server, phone, itemId, mime, source, ask, got };
}

/** The text of the first message, which this server sends in base64 if it has added to it. */
function textIn([raw = '']: readonly string[]): string {
  const [head = '', ...text] = raw.split('\r\n\r\n');
  const body = text.join('\r\n\r\n');
  return /^Content-Transfer-Encoding: base64/im.test(head) ? Buffer.from(body, 'base64').toString() : body;
}

describe.each(versions)('%s', (version) => {
  const is140 = version === '14.0';

  test.each(commands)(
    '%s: AccountId that is none answers Status 166, below 14.1 103; an empty one is the account',
    async (command) => {
      const { mime, source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [] : [source];
      expect(await ask(command, el(ClientId, 'a'), ...parts, el(AccountId, '7'), mime)).toBe(
        is140 ? 103 : 166,
      );
      expect(await got()).toEqual([]);
      expect(await ask(command, el(ClientId, 'b'), ...parts, el(AccountId), mime)).toBe(1);
    },
  );

  test.each(commands)('%s: TemplateID answers Status 168, below 14.1 103', async (command) => {
    const { mime, source, ask, got } = await open(version);
    const parts = command === 'SendMail' ? [] : [source];
    const status = await ask(command, el(ClientId, 'a'), ...parts, mime, el(TemplateID, 'x'));
    expect(status).toBe(is140 ? 103 : 168);
    expect(await got()).toEqual([]);
  });

  test.each(commands)(
    '%s: ClientId of 40 characters is taken, one of 41, an empty one or none answers 103',
    async (command) => {
      const { mime, source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [mime] : [source, mime];
      for (const id of [el(ClientId, 'x'.repeat(41)), el(ClientId), undefined]) {
        expect(await ask(command, ...(id === undefined ? [] : [id]), ...parts)).toBe(103);
      }
      expect(await got()).toEqual([]);
      for (let n = 0; n < 2; n++) expect(await ask(command, el(ClientId, 'x'.repeat(40)), ...parts)).toBe(1);
      expect(await got()).toHaveLength(1);
    },
  );

  test.each(commands)(
    '%s: another message by a ClientId that was used answers Status 118; what is the same, by bytes or Message-ID, is done',
    async (command) => {
      const { mime, source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [] : [source];
      const written = (head: string, text: string) =>
        el(Mime, Buffer.from(`To: bob@example.test\r\n${head}Subject: C\r\n\r\n${text}\r\n`));
      const [own, other] = ['Message-ID: <own@phone>\r\n', 'Message-ID: <other@phone>\r\n'];
      for (const [id, message, status, sent] of [
        ['a', mime, 1, 1],
        ['a', written('', 'Another'), 118, 1],
        ['a', mime, 1, 1],
        ['b', written(own, 'Words'), 1, 2],
        ['b', written(own, 'Words, with another Date'), 1, 2],
        ['b', written(other, 'Words'), 118, 2],
        ['c', written(other, 'Words'), 1, 3],
      ] as const) {
        expect(await ask(command, el(ClientId, id), ...parts, message)).toBe(status);
        expect(await got()).toHaveLength(sent);
      }
    },
  );

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: ReplaceMime sends the message as it is',
    async (command) => {
      const { mime, source, ask, got } = await open(version);
      expect(await ask(command, el(ClientId, 'a'), source, el(ReplaceMime), mime)).toBe(1);
      const [raw = ''] = await got();
      expect(raw).toContain('\r\n\r\nMine\r\n');
      expect(raw).not.toMatch(/Text|eva@example\.org/);
    },
  );

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: InstanceId that is no punctuated date answers 104, of what is no series 146',
    async (command) => {
      const { itemId, mime, ask, got } = await open(version);
      for (const [instance, status] of [
        ['soon', 104],
        ['20261116T090000Z', 104],
        ['2026-11-16T09:00:00Z', 104],
        ['2026-11-31T09:00:00.000Z', 104],
        ['2026-11-16T09:00:00.000Z', 146],
      ] as const) {
        const named = el(Source, el(ItemId, itemId), el(InstanceId, instance));
        expect(await ask(command, el(ClientId, 'a'), named, mime)).toBe(status);
      }
      expect(await got()).toEqual([]);
    },
  );

  test.each(commands)(
    '%s: an empty Mime answers Status 107, none 103; one that is a string is taken',
    async (command) => {
      const { mime, source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [] : [source];
      expect(await ask(command, el(ClientId, 'a'), ...parts, el(Mime))).toBe(107);
      expect(await ask(command, el(ClientId, 'a'), ...parts)).toBe(103);
      expect(await got()).toEqual([]);
      const text = Buffer.from(mime.opaque ?? []).toString();
      expect(await ask(command, el(ClientId, 'a'), ...parts, el(Mime, text))).toBe(1);
      expect(textIn(await got())).toContain('Mine');
    },
  );

  test.each(commands)(
    '%s: Status 111 for a fault of ours, 116 for an unknown recipient, 119 for none, 120 for too many; none gets it',
    async (command) => {
      const { source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [] : [source];
      const many = Array.from({ length: maxRecipients }, (_, n) => `n${n}@elsewhere.example`);
      for (const [to, status] of [
        ['To: bob@example.test, fault@example.test\r\n', 111],
        ['To: bob@example.test, unknown@example.test\r\n', 116],
        ['', 119],
        [`To: bob@example.test\r\nCc: ${many.join(',\r\n ')}\r\n`, 120],
      ] as const) {
        const mime = el(Mime, Buffer.from(`${to}Subject: B\r\n\r\nMine\r\n`));
        expect(await ask(command, el(ClientId, `c${status}`), ...parts, mime)).toBe(status);
      }
      expect(await got()).toEqual([]);
    },
  );

  test.each(commands)(
    '%s: no room for the copy of SaveInSentItems answers Status 113; without SaveInSentItems it goes',
    async (command) => {
      const { server, mime, source, ask, got } = await open(version);
      const parts = command === 'SendMail' ? [] : [source];
      const { mailbox } = server.alice;
      await server.database.mail.transact([mailbox], (of) =>
        of(mailbox).addItem(1 as FolderIdOf, { ...newItem('Large', 0), size: 8 * maxMessageBytes }),
      );
      expect(await ask(command, el(ClientId, 'a'), ...parts, el(SaveInSentItems), mime)).toBe(113);
      expect(await got()).toEqual([]);
      expect(await ask(command, el(ClientId, 'a'), ...parts, mime)).toBe(1);
      expect(await got()).toHaveLength(1);
      expect(await server.messages(server.alice, FolderType.SentItems)).toEqual([]);
    },
  );

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: Source by FolderId and ItemId, in any order; of another FolderId or of no item 150, beside a LongId 105, none 103',
    async (command) => {
      const { itemId, mime, ask, got } = await open(version);
      const id = el(ClientId, 'a');
      for (const [parts, status] of [
        [[], 103],
        [[el(Source)], 103],
        [[el(Source, el(FolderId, '1'))], 103],
        [[el(Source, el(ItemId, itemId), el(LongId, itemId))], 105],
        [[el(Source, el(FolderId, '4'), el(ItemId, itemId))], 150],
        [[el(Source, el(FolderId, '1'), el(ItemId, '1:99'))], 150],
        [[el(Source, el(LongId, '1:99'))], 150],
      ] as const) {
        expect(await ask(command, id, ...parts, mime)).toBe(status);
      }
      expect(await got()).toEqual([]);
      const source = el(Source, el(ItemId, itemId), el(FolderId, '1'));
      expect(await ask(command, mime, source, el(SaveInSentItems), id)).toBe(1);
      expect(textIn(await got())).toContain('eva@example.org');
    },
  );

  test.each(['SmartReply', 'SmartForward'] as const)(
    '%s: too large together with its source answers Status 122, and 120 alone',
    async (command) => {
      const { server, ask, got } = await open(version);
      const large = 'x'
        .repeat(70)
        .concat('\r\n')
        .repeat(Math.floor((0.7 * maxMessageBytes) / 72));
      const itemId = await server.receive(`Subject: Large\r\n\r\n${large}`);
      const source = el(Source, el(ItemId, itemId));
      const mime = (text: string) =>
        el(Mime, Buffer.from(`To: ${server.bob.address}\r\nSubject: B\r\n\r\n${text}`));
      expect(await ask(command, el(ClientId, 'a'), source, mime(large))).toBe(122);
      expect(await ask(command, el(ClientId, 'b'), source, mime(large + large))).toBe(120);
      expect(await got()).toEqual([]);
    },
  );
});

describe.each(['16.0', '16.1'] as const)('SmartReply: %s', (version) => {
  test('Forwardees and Body, which are of SmartForward, are passed over', async () => {
    const { mime, source, ask, got } = await open(version);
    const forwardees = el(Forwardees, el(Forwardee, el(Email, 'alice@example.test'), el(Name, 'A')));
    const body = el(AirSyncBase.Body, el(AirSyncBase.Type, 1), el(AirSyncBase.Data, 'More'));
    expect(await ask('SmartReply', el(ClientId, 'a'), source, mime, forwardees, body)).toBe(1);
    const text = textIn(await got());
    expect(text).toContain('Mine');
    expect(text).not.toContain('More');
  });
});

describe.each(['16.0', '16.1'] as const)('SmartForward: %s', (version) => {
  const forwardees = (...parts: readonly Element[]) => el(Forwardees, el(Forwardee, ...parts));
  const bob = [el(Email, 'bob@example.test'), el(Name, 'Bob')];
  const id = el(ClientId, 'a');

  test.each([
    ['Mime', (mime: Element) => mime],
    ['SaveInSentItems', () => el(SaveInSentItems)],
    ['ReplaceMime', () => el(ReplaceMime)],
    ['TemplateID', () => el(TemplateID, 'x')],
  ])('Forwardees beside %s answers Status 178', async (_name, other) => {
    const { mime, source, ask } = await open(version);
    expect(await ask('SmartForward', id, source, other(mime), forwardees(...bob))).toBe(178);
  });

  test('Forwardees without an address, or without anybody, answers Status 179', async () => {
    const { source, ask } = await open(version);
    for (const wrong of [forwardees(el(Name, 'Bob')), forwardees(el(Email)), el(Forwardees)]) {
      expect(await ask('SmartForward', id, source, wrong)).toBe(179);
    }
  });

  test('Forwardees of a message that is no meeting answers Status 147, of none 150, of another account 166', async () => {
    const { source, ask, got } = await open(version);
    expect(await ask('SmartForward', id, source, forwardees(...bob))).toBe(147);
    expect(await ask('SmartForward', id, el(Source, el(ItemId, '1:99')), forwardees(...bob))).toBe(150);
    expect(await ask('SmartForward', id, source, el(AccountId, '7'), forwardees(...bob))).toBe(166);
    expect(await got()).toEqual([]);
  });
});

test.each(['14.0', '14.1'] as const)(
  'SmartForward: %s knows no Forwardees: without Mime 103',
  async (version) => {
    const { source, ask } = await open(version);
    const forwardees = el(Forwardees, el(Forwardee, el(Email, 'bob@example.test')));
    expect(await ask('SmartForward', el(ClientId, 'a'), source, forwardees)).toBe(103);
  },
);

test.each([
  ['SmartReply', 121, '14.0'],
  ['SmartReply', 121, '16.1'],
  ['SmartForward', 120, '14.1'],
  ['SmartReply', 500, '2.5'],
  ['SmartReply', 500, '12.1'],
] as const)(
  '%s: a source whose bytes are lost answers Status %i, and nothing is sent',
  async (command, status, version) => {
    const { server, phone, got } = await open(version);
    const large = `Subject: Large\r\n\r\n${'x'.repeat(maxMessageBytes / 2)}`;
    const itemId = await server.receive(large);
    const ids = await server.database.blobs.list();
    expect(ids).toHaveLength(1);
    for (const { id } of ids) await server.database.blobs.remove({ id, size: large.length });
    const mime = `To: ${server.bob.address}\r\nSubject: B\r\n\r\nMine\r\n`;
    const answer = await smartMail(phone, command, { mime, itemId });
    expect(answer.rootStatus ?? answer.status).toBe(status);
    expect(await got()).toEqual([]);
  },
);
