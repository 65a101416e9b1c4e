import { describe, expect, test } from 'vitest';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { child, el, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import {
  add,
  addDraft,
  attachments,
  body,
  change,
  draftVersions,
  file,
  filesOf,
  letter,
  rawDrafts,
  references,
  removedFile,
  startDrafts,
} from './drafts-phone.ts';
import { maxMessageBytes } from './server.ts';
import { commands, expectNothing, startPhone, statuses, syncRaw, told } from './sync-phone.ts';

/** What another device of alice holds of a draft, after its next Sync. */
async function seenElsewhere(tablet: EasClient, drafts: string, serverId: string) {
  await tablet.syncAll(drafts, { body: { type: 2 } });
  return tablet.collection(drafts).items.get(serverId);
}

const fileOf = async (phone: EasClient, fileReference: string) => {
  const { status, properties } = await phone.fetch({ fileReference });
  return status === 1
    ? Buffer.from(textOf(properties, ItemOperations.Data) ?? '', 'base64').toString()
    : status;
};

describe.each(draftVersions)('%s: Sync of Drafts', (version) => {
  test('Add: answers ServerId and Status 1, keeps a whole message, does not come back, and reaches other devices', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const data = [
      el(Email.To, 'Bob Bär <bob@example.test>, unfinished'),
      el(Email.Cc, 'carol@example.org; dave@example.org'),
      el(Email2.Bcc, 'eve@example.org'),
      el(Email.ReplyTo, 'alice.alias@example.test'),
      el(Email.Subject, 'Grüße, alle'),
      el(Email.Importance, 2),
      body(2, '<p>Grüße <b>an alle</b></p>'),
    ];
    const { responses, commands: sent } = await phone.sync(drafts, { commands: [add('c1', ...data)] });
    const serverId = textOf(responses, AirSync.Add, AirSync.ServerId) ?? '';
    expect(statuses(responses)).toEqual([`Add ${serverId} 1`]);
    expect(textOf(responses, AirSync.Add, AirSync.ClientId)).toBe('c1');
    expect(sent).toBeUndefined();
    expect((await phone.sync(drafts)).response.body).toHaveLength(0);
    const seen = await seenElsewhere(tablet, drafts, serverId);
    expect(textOf(seen, Email.To)).toBe('"Bob Bär" <bob@example.test>, "unfinished"');
    expect(textOf(seen, Email.Cc)).toBe('carol@example.org, dave@example.org');
    expect(textOf(seen, Email2.Bcc)).toBe('eve@example.org');
    expect(textOf(seen, Email.ReplyTo)).toBe('alice.alias@example.test');
    expect(textOf(seen, Email.From)).toBe('"alice" <alice@example.test>');
    expect(textOf(seen, Email.Subject)).toBe('Grüße, alle');
    expect(textOf(seen, Email.Importance)).toBe('2');
    expect(textOf(seen, Email.Read)).toBe('1');
    expect(textOf(seen, Email2.IsDraft)).toBe('1');
    expect(textOf(seen, AirSyncBase.Body, AirSyncBase.Type)).toBe('2');
    expect(textOf(seen, AirSyncBase.Body, AirSyncBase.Data)).toBe('<p>Grüße <b>an alle</b></p>');
    const [raw = ''] = await rawDrafts(server);
    expect(raw).toMatch(/^From: "alice" <alice@example\.test>\r\n/);
    expect(raw).toMatch(/\r\nMessage-ID: <\w+@example\.test>\r\n/);
    expect(raw).toContain('\r\nContent-Type: multipart/alternative;');
  });

  test('Add: Read and Flag are taken, and an empty one is a draft, too', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const flag = el(Email.Flag, el(Email.Status, 2), el(Email.FlagType, 'x'));
    const serverId = await addDraft(phone, drafts, el(Email.Read, false), flag);
    await tablet.syncAll(drafts);
    const seen = tablet.collection(drafts).items.get(serverId);
    expect(textOf(seen, Email.Read)).toBe('0');
    expect(textOf(seen, Email.Flag, Email.Status)).toBe('2');
    expect(textOf(seen, AirSyncBase.Body, AirSyncBase.EstimatedDataSize)).toBe('0');
  });

  test('Change: keeps what it does not name, clears what it names empty, and is told to others whole', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const serverId = await addDraft(
      phone,
      drafts,
      ...letter('One', el(Email.Cc, 'c@example.org'), body(1, 'first\r\n')),
    );
    await tablet.syncAll(drafts);
    const [, messageId] = /^Message-ID: (.*)$/m.exec((await rawDrafts(server))[0] ?? '') ?? [];
    const edit = [change(serverId, el(Email.Subject, 'Two'), el(Email.Cc))];
    const { responses, commands: back } = await phone.sync(drafts, { commands: edit });
    expect([responses, back]).toEqual([undefined, undefined]);
    expect((await phone.sync(drafts)).response.body).toHaveLength(0);
    const [whole] = told((await tablet.sync(drafts)).commands);
    expect(whole?.slice(0, 3)).toEqual(['Change', serverId, 'To']);
    expect(whole).toContain('Body');
    await phone.sync(drafts, { commands: [change(serverId, body(1, 'second\r\n'))] });
    await tablet.sync(drafts);
    const seen = tablet.collection(drafts).items.get(serverId);
    expect(textOf(seen, Email.To)).toBe('"Bob" <bob@example.test>');
    expect(textOf(seen, Email.Subject)).toBe('Two');
    expect(textOf(seen, AirSyncBase.Body, AirSyncBase.Data)).toBe('second\r\n');
    const [raw = '', ...others] = await rawDrafts(server);
    expect(others).toEqual([]);
    expect(raw).not.toContain('Cc:');
    expect(raw).toContain(`\r\nMessage-ID: ${messageId?.trim()}\r\n`);
    expect(tablet.collection(drafts).anomalies).toEqual([]);
  });

  test('Change: marks alone stay marks, also beside new content of the same request', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    await tablet.syncAll(drafts);
    await phone.sync(drafts, { commands: [commands.read(serverId, false)] });
    expect(told((await tablet.sync(drafts)).commands)).toEqual([['Change', serverId, 'Read']]);
    const both = [
      change(serverId, el(Email.Subject, 'Two')),
      commands.read(serverId, true),
      change(serverId, el(Email.Cc, 'c@example.org')),
    ];
    expect((await phone.sync(drafts, { commands: both })).responses).toBeUndefined();
    const seen = await seenElsewhere(tablet, drafts, serverId);
    expect([Email.Subject, Email.Cc, Email.Read].map((tag) => textOf(seen, tag))).toEqual([
      'Two',
      'c@example.org',
      '1',
    ]);
  });

  test('Delete: moves to Deleted Items, or deletes for good, and other devices hear of it', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const [one, two] = [
      await addDraft(phone, drafts, ...letter('One')),
      await addDraft(phone, drafts, ...letter('Two')),
    ];
    await tablet.syncAll(drafts);
    await phone.sync(drafts, { commands: [commands.remove(one)] });
    await phone.sync(drafts, { commands: [commands.remove(two)], deletesAsMoves: false });
    expect(told((await tablet.sync(drafts)).commands)).toEqual([
      ['Delete', one],
      ['Delete', two],
    ]);
    const trash = phone.folder(4);
    const held = [...(await phone.syncAll(trash)).values()];
    expect(held.map((item) => [textOf(item, Email.Subject), textOf(item, Email2.IsDraft)])).toEqual([
      ['One', '1'],
    ]);
  });

  test('Attachments Add: each ClientId gets its FileReference, in the Responses of Add and of Change', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const picture = [
      el(AirSyncBase.ContentType, 'image/png'),
      el(AirSyncBase.ContentId, 'pic@x'),
      el(AirSyncBase.IsInline),
    ];
    const data = [
      ...letter('Files', body(2, '<p>See <img src="cid:pic@x"></p>')),
      attachments(file('f1', 'report.txt', 'the report'), file('f2', 'pic.png', 'PNG', ...picture)),
    ];
    const { responses } = await phone.sync(drafts, { commands: [add('c1', ...data)] });
    const answer = child(responses, AirSync.Add);
    const serverId = textOf(answer, AirSync.ServerId) ?? '';
    const first = references(answer);
    expect(Object.keys(first)).toEqual(['f1', 'f2']);
    const more = attachments(eml('f3'));
    const changed = await phone.sync(drafts, { commands: [change(serverId, more)] });
    expect(statuses(changed.responses)).toEqual([`Change ${serverId} 1`]);
    const second = references(child(changed.responses, AirSync.Change));
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const seen = await seenElsewhere(tablet, drafts, serverId);
    expect(filesOf(seen)).toEqual([
      ['pic.png', first['f2']],
      ['report.txt', first['f1']],
      ['mail.eml', second['f3']],
    ]);
    const list = child(seen, AirSyncBase.Attachments)?.children ?? [];
    expect(list.map((one) => [textOf(one, AirSyncBase.Method), textOf(one, AirSyncBase.IsInline)])).toEqual([
      ['1', '1'],
      ['1', undefined],
      ['5', undefined],
    ]);
    expect(await fileOf(tablet, first['f1'] ?? '')).toBe('the report');
    expect(await fileOf(phone, first['f2'] ?? '')).toBe('PNG');
    expect(await fileOf(phone, second['f3'] ?? '')).toContain('Subject: inside');
  });

  test('Attachments Delete: the file goes, and the others keep their FileReference', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const files = ['a', 'b', 'c'].map((name) => file(name, `${name}.txt`, `content of ${name}`));
    const { responses } = await phone.sync(drafts, {
      commands: [add('c1', ...letter('Files', body(1, 'text')), attachments(...files))],
    });
    const answer = child(responses, AirSync.Add);
    const serverId = textOf(answer, AirSync.ServerId) ?? '';
    const { a = '', b = '', c = '' } = references(answer);
    const edit = change(serverId, attachments(removedFile(a), removedFile(`${drafts}:1:7`)));
    expect((await phone.sync(drafts, { commands: [edit] })).responses).toBeUndefined();
    expect(await Promise.all([a, b, c].map((one) => fileOf(phone, one)))).toEqual([
      15,
      'content of b',
      'content of c',
    ]);
    const seen = await seenElsewhere(tablet, drafts, serverId);
    expect(filesOf(seen)).toEqual([
      ['b.txt', b],
      ['c.txt', c],
    ]);
    expect(textOf(seen, AirSyncBase.Body, AirSyncBase.Data)).toContain('text');
  });

  test('Attachments Delete: a FileReference of another item leaves the file, also if its part is the same', async () => {
    const { phone, drafts } = await startDrafts(version);
    const { responses } = await phone.sync(drafts, {
      commands: [add('c1', ...letter('Files'), attachments(file('a', 'a.txt', 'content of a')))],
    });
    const answer = child(responses, AirSync.Add);
    const { a = '' } = references(answer);
    const [folder, item, part] = a.split(':');
    const edit = (reference: string) =>
      phone.sync(drafts, {
        commands: [change(`${folder}:${item}`, attachments(removedFile(reference)))],
      });
    await edit(`${folder}:${Number(item) + 1}:${part}`);
    expect(await fileOf(phone, a)).toBe('content of a');
    // A reference of before the draft was moved.
    await edit(`99:${item}:${part}`);
    expect(await fileOf(phone, a)).toBe(15);
  });

  test('Body Type 4: the message is kept as it is written, and its header is what it says', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const mime = [
      'To: bob@example.test',
      'Subject: whole',
      'In-Reply-To: <root@example.org>',
      'Content-Type: multipart/mixed; boundary=x',
      '',
      '--x',
      'Content-Type: text/plain',
      '',
      'as  written',
      '--x',
      'Content-Type: application/pdf; name=a.pdf',
      'Content-Disposition: attachment; filename=a.pdf',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('a pdf').toString('base64'),
      '--x--',
      '',
    ].join('\r\n');
    const serverId = await addDraft(phone, drafts, el(Email.Importance, 0), body(4, Buffer.from(mime)));
    const [raw = ''] = await rawDrafts(server);
    expect(raw.slice(raw.indexOf('\r\n\r\n'))).toBe(mime.slice(mime.indexOf('\r\n\r\n')));
    expect(raw).toContain('\r\nIn-Reply-To: <root@example.org>\r\n');
    const [[, pdf] = []] = filesOf(await seenElsewhere(tablet, drafts, serverId));
    await phone.sync(drafts, { commands: [change(serverId, attachments(file('n', 'new.txt', 'new')))] });
    const seen = await seenElsewhere(tablet, drafts, serverId);
    expect([Email.To, Email.Subject, Email.Importance].map((tag) => textOf(seen, tag))).toEqual([
      'bob@example.test',
      'whole',
      '0',
    ]);
    expect(filesOf(seen).map(([name]) => name)).toEqual(['a.pdf', 'new.txt']);
    expect(await fileOf(phone, pdf ?? '')).toBe('a pdf');
    expect((await rawDrafts(server))[0]).toContain('\r\nIn-Reply-To: <root@example.org>\r\n');
  });

  test('Body Type 4: what is encrypted stays byte for byte, and takes no further files (Status 6)', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const mime =
      'Subject: s\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nAAAA\r\n';
    const serverId = await addDraft(phone, drafts, body(4, Buffer.from(mime)));
    const refused = await phone.sync(drafts, {
      commands: [change(serverId, attachments(file('f', 'a.txt', 'a')))],
    });
    expect(statuses(refused.responses)).toEqual([`Change ${serverId} 6`]);
    await phone.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'other'))] });
    const [raw = ''] = await rawDrafts(server);
    expect(raw).toContain('Subject: other\r\n');
    expect(raw.slice(raw.indexOf('\r\n\r\n'))).toBe('\r\n\r\nAAAA\r\n');
  });
});

/** An embedded message. */
function eml(clientId: string) {
  return el(
    AirSyncBase.Add,
    el(AirSyncBase.ClientId, clientId),
    el(AirSyncBase.Content, Buffer.from('Subject: inside\r\n\r\nIn it\r\n')),
    el(AirSyncBase.DisplayName, 'mail'),
    el(AirSyncBase.Method, 5),
    el(AirSyncBase.ContentType, 'message/rfc822'),
  );
}

describe.each(draftVersions)('%s: Sync of Drafts: conflicts and repeats', (version) => {
  test('Conflict: the server wins with Status 7 and its own version; the client wins silently', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    await tablet.syncAll(drafts);
    await tablet.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'Tablet'))] });
    const lost = await phone.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'Phone'))] });
    expect(statuses(lost.responses)).toEqual([`Change ${serverId} 7`]);
    expect(textOf(phone.collection(drafts).items.get(serverId), Email.Subject)).toBe('Tablet');
    await tablet.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'Tablet 2'))] });
    const won = await phone.sync(drafts, {
      commands: [change(serverId, el(Email.Subject, 'Phone 2'))],
      options: [el(AirSync.Conflict, 0)],
    });
    expect(won.responses).toBeUndefined();
    expect(textOf(phone.collection(drafts).items.get(serverId), Email.Subject)).toBe('Phone 2');
    await tablet.sync(drafts);
    expect(textOf(tablet.collection(drafts).items.get(serverId), Email.Subject)).toBe('Phone 2');
  });

  test('a Change of a draft that is gone answers Status 8', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    await tablet.syncAll(drafts);
    await tablet.sync(drafts, { commands: [commands.remove(serverId)] });
    const { responses } = await phone.sync(drafts, { commands: [change(serverId, el(Email.Subject, 'x'))] });
    expect(statuses(responses)).toEqual([`Change ${serverId} 8`]);
  });

  test('a repeated Add whose answer was lost gets the same answer, and makes no second draft', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const data = [...letter('Once'), attachments(file('f1', 'a.txt', 'a'))];
    const element = phone.collectionElement(drafts, { commands: [add('c1', ...data)] });
    const answers = [];
    for (let n = 0; n < 3; n++) {
      const { element: answer } = await syncRaw(phone, [element]);
      answers.push(child(answer, AirSync.Collections, AirSync.Collection, AirSync.Responses, AirSync.Add));
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect(textOf(answers[0], AirSync.Status)).toBe('1');
    expect(await rawDrafts(server)).toHaveLength(1);
    const taken = await phone.sync(drafts, { commands: [add('c1', ...data)] });
    expect(textOf(taken.responses, AirSync.Add, AirSync.ServerId)).toBe(textOf(answers[0], AirSync.ServerId));
    expect((await phone.sync(drafts)).response.body).toHaveLength(0);
    expect(phone.collection(drafts).items.size).toBe(1);
    expect(await rawDrafts(server)).toHaveLength(1);
  });

  test('a repeated Add whose draft is gone meanwhile gets the same answer, and a Delete', async () => {
    const { server } = await startDrafts(version);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    for (const isFirst of [true, false]) {
      const { phone } = await startPhone(version, { server, deviceId: `new${isFirst}` });
      const drafts = phone.folder(3);
      await phone.sync(drafts);
      if (!isFirst) await phone.syncAll(drafts);
      const sent = { commands: [add('c1', ...letter('Once'))] };
      await syncRaw(phone, [phone.collectionElement(drafts, sent)]);
      await tablet.syncAll(drafts);
      const [made = ''] = [...tablet.collection(drafts).items.keys()];
      await tablet.sync(drafts, { commands: [commands.remove(made)] });
      const again = await phone.sync(drafts, sent);
      expect(statuses(again.responses)).toEqual([`Add ${made} 1`]);
      expect(told(again.commands)).toEqual([['Delete', made]]);
      expectNothing(phone, (await phone.sync(drafts)).response);
      expect([...phone.collection(drafts).items.keys()]).toEqual([]);
    }
  });

  test('a repeated Add that was written on meanwhile changes the draft that it made', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    await syncRaw(phone, [phone.collectionElement(drafts, { commands: [add('c1', ...letter('Early'))] })]);
    const serverId = await addDraft(phone, drafts, ...letter('Late'));
    const raws = await rawDrafts(server);
    expect(raws).toHaveLength(1);
    expect(raws[0]).toContain('Subject: Late\r\n');
    expect((await phone.sync(drafts)).response.body).toHaveLength(0);
    expect(phone.collection(drafts).items.has(serverId)).toBe(true);
  });

  test('a repeated Change whose answer was lost adds its files once, by the same FileReference', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('One'));
    const edit = [change(serverId, attachments(file('f1', 'a.txt', 'a')))];
    const element = phone.collectionElement(drafts, { commands: edit });
    const { element: lost } = await syncRaw(phone, [element]);
    const first = child(lost, AirSync.Collections, AirSync.Collection, AirSync.Responses, AirSync.Change);
    const again = await phone.sync(drafts, { commands: edit });
    expect(references(child(again.responses, AirSync.Change))).toEqual(references(first));
    expect((await rawDrafts(server))[0]?.match(/filename=/g)).toHaveLength(1);
  });

  test('the same ClientId by the next key makes another draft', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const [one, two] = [
      await addDraft(phone, drafts, ...letter('One')),
      await addDraft(phone, drafts, ...letter('One')),
    ];
    expect(one).not.toBe(two);
    expect(await rawDrafts(server)).toHaveLength(2);
  });

  test('a draft that comes with the first key after 0 is not sent back by the walk through the folder', async () => {
    const { server } = await startDrafts(version);
    const { phone } = await startPhone(version, { server, deviceId: 'new' });
    const drafts = phone.folder(3);
    await server.deliver('there before', 2);
    await phone.sync(drafts);
    const { commands: sent } = await phone.sync(drafts, {
      commands: [add('c1', ...letter('mine'))],
      windowSize: 1,
    });
    expect(told(sent).map(([kind]) => kind)).toEqual(['Add']);
    await phone.syncAll(drafts);
    expect(phone.collection(drafts).items.size).toBe(2);
    expect(phone.collection(drafts).anomalies).toEqual([]);
    const { phone: tablet } = await startDrafts(version, { server, deviceId: 'tablet' });
    const mine = [...tablet.collection(drafts).items].find(
      ([, item]) => textOf(item, Email.Subject) === 'mine',
    );
    await tablet.sync(drafts, { commands: [commands.remove(mine?.[0] ?? '')] });
    expect(told((await phone.sync(drafts)).commands)).toEqual([['Delete', mine?.[0]]]);
  });

  test('GetChanges 0: the draft is stored, and what waits is not lost', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    await server.deliver('other', 2);
    const { responses, commands: none } = await phone.sync(drafts, {
      commands: [add('c1', ...letter('One'))],
      getChanges: false,
    });
    expect(statuses(responses)[0]).toMatch(/^Add 2:\d+ 1$/);
    expect(none).toBeUndefined();
    expect(told((await phone.sync(drafts)).commands).map(([kind]) => kind)).toEqual(['Add']);
  });
});

describe.each(draftVersions)('%s: Sync of Drafts: refusals', (version) => {
  const refused = async (...data: Parameters<typeof add> extends [string, ...infer Rest] ? Rest : never) => {
    const { server, phone, drafts } = await startDrafts(version);
    const element = phone.collectionElement(drafts, { commands: [add('c1', ...data)] });
    const { responses } = phone.applySync(drafts, await syncRaw(phone, [element]));
    expect(await rawDrafts(server)).toEqual([]);
    return statuses(responses);
  };
  const without = (tag: string) =>
    el(AirSyncBase.Add, ...file('f', 'a.txt', 'a').children.filter((one) => one.tag.name !== tag));

  test.each(['ClientId', 'Content', 'DisplayName', 'Method'])(
    'Attachments Add: without %s the item answers Status 6',
    async (tag) => {
      expect(await refused(attachments(without(tag)))).toEqual(['Add c1 6']);
    },
  );

  test('malformed values answer the item Status 6', async () => {
    const method = el(AirSyncBase.Add, ...without('Method').children, el(AirSyncBase.Method, 2));
    for (const data of [
      [el(Email.Importance, 7)],
      [el(Email.Read, 'perhaps')],
      [body(3, 'x')],
      [body(4, '')],
      [el(AirSyncBase.Body, el(AirSyncBase.Data, 'x'))],
      [body(1, 'x'), body(1, 'y')],
      [el(Email.Subject, 'x'.repeat(32_769))],
      [el(Email2.Sender, 'bob@example.test')],
      [attachments(method)],
    ]) {
      expect(await refused(...data)).toEqual(['Add c1 6']);
    }
  });

  test('Class: anything but Email answers the item Status 6', async () => {
    const { phone, drafts } = await startDrafts(version);
    const one = add('c1', ...letter('x'));
    const named = (name: string) => el(AirSync.Add, el(AirSync.Class, name), ...one.children);
    const { responses } = await phone.sync(drafts, { commands: [named('SMS')] });
    expect(statuses(responses)).toEqual(['Add c1 6']);
    const taken = await phone.sync(drafts, { commands: [named('Email')] });
    expect(statuses(taken.responses)[0]).toMatch(/^Add 2:\d+ 1$/);
  });

  test('a mail that is no draft keeps its content: a Change of it in Drafts answers Status 6, elsewhere it is not heeded', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const inbox = phone.folder(2);
    const [here, there] = [await server.deliver('One', 2), await server.deliver('Two')];
    await phone.syncAll(drafts);
    await phone.syncAll(inbox);
    const edit = (id: string) => [change(id, el(Email.Subject, 'x'), el(Email.Read, true))];
    const inDrafts = await phone.sync(drafts, { commands: edit(`${drafts}:${here}`) });
    expect(statuses(inDrafts.responses)).toEqual([`Change ${drafts}:${here} 6`]);
    expect((await phone.sync(inbox, { commands: edit(`${inbox}:${there}`) })).responses).toBeUndefined();
    const { phone: tablet } = await startPhone(version, { server, deviceId: 'tablet' });
    const [item] = [...(await tablet.syncAll(inbox)).values()];
    expect([textOf(item, Email.Subject), textOf(item, Email.Read)]).toEqual(['Two', '1']);
  });

  test('a blocked attachment answers Status 120, a message that is too large 122, a full mailbox 9', async () => {
    expect(await refused(...letter('x'), attachments(file('f', 'virus.exe', 'MZ')))).toEqual(['Add c1 120']);
    const large = 'x'.repeat(maxMessageBytes);
    expect(await refused(...letter('x'), attachments(file('f', 'a.txt', large)))).toEqual(['Add c1 122']);
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(
      phone,
      drafts,
      ...letter('small', body(1, 'a text that is longer than its successor')),
    );
    for (let n = 0; n < 9; n++) await server.receive(`Subject: ${n}\r\n\r\n${'x'.repeat(maxMessageBytes)}`);
    const full = await phone.sync(drafts, { commands: [add('c2', ...letter('no room'))] });
    expect(statuses(full.responses)).toEqual(['Add c2 9']);
    const shorter = await phone.sync(drafts, { commands: [change(serverId, body(1, 'short'))] });
    expect(shorter.responses).toBeUndefined();
  });

  test('below 16.0 Drafts is read only: an Add answers Status 6, a Change takes marks alone, and IsDraft and Bcc are not told', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(phone, drafts, ...letter('One', el(Email2.Bcc, 'eve@example.org')));
    const { phone: old } = await startPhone('14.1', { server, deviceId: 'old' });
    await old.syncAll(drafts);
    const names = old
      .collection(drafts)
      .items.get(serverId)
      ?.children.map(({ tag }) => tag.name);
    expect(names).toContain('Subject');
    expect(names).not.toContain('IsDraft');
    expect(names).not.toContain('Bcc');
    const { responses } = await old.sync(drafts, {
      commands: [add('c1', ...letter('x')), change(serverId, el(Email.Subject, 'y'), el(Email.Read, false))],
    });
    expect(statuses(responses)).toEqual(['Add c1 6']);
    expect((await rawDrafts(server))[0]).toContain('Subject: One\r\n');
    expect(told((await phone.sync(drafts)).commands)).toEqual([['Change', serverId, 'Read']]);
  });

  test('more than 200 attachments in one request answer Status 4', async () => {
    const { phone, drafts } = await startDrafts(version);
    const many = (from: number) => Array.from({ length: 101 }, (_, n) => file(`f${from + n}`, 'a.txt', ''));
    const { response } = await phone.sync(drafts, {
      commands: [add('c1', attachments(...many(0))), add('c2', attachments(...many(101)))],
    });
    expect(response.rootStatus).toBe(4);
  });

  test('nonsense in addresses and names is kept as text and splits no header', async () => {
    const { server, phone, drafts } = await startDrafts(version);
    const serverId = await addDraft(
      phone,
      drafts,
      el(Email.To, 'a\r\nX-Evil: 1\r\n <b@c>,,;"'),
      el(Email.Subject, 'x\r\nX-Evil: 2'),
      body(1, 'text'),
      attachments(
        file('f', 'a"\r\nX-Evil: 3\\../b.txt', 'a', el(AirSyncBase.ContentType, 'text/plain\r\nX-Evil: 4')),
        file(
          'g',
          'g.png',
          'a',
          el(AirSyncBase.ContentId, 'x>\r\nX-Evil: 5'),
          el(AirSyncBase.ContentLocation, 'y\r\nX-Evil: 6'),
        ),
      ),
    );
    const [raw = ''] = await rawDrafts(server);
    expect(raw).not.toMatch(/^X-Evil/m);
    await phone.sync(drafts, { commands: [change(serverId, el(Email.Cc, 'c@d'))] });
    expect((await rawDrafts(server))[0]).not.toMatch(/^X-Evil/m);
  });
});

test('two devices that change a draft at the same time: each Change is done, or answered Status 7, and all end with the same', async () => {
  const { server, phone, drafts } = await startDrafts();
  const { phone: tablet } = await startDrafts('16.1', { server, deviceId: 'tablet' });
  const serverId = await addDraft(phone, drafts, ...letter('One'));
  await tablet.syncAll(drafts);
  for (let n = 0; n < 5; n++) {
    const edits = [phone, tablet].map((device, m) =>
      device.sync(drafts, {
        commands: [change(serverId, el(m === 0 ? Email.Subject : Email.Cc, `${n}@example.org`))],
        options: [el(AirSync.Conflict, 0)],
      }),
    );
    for (const { status, responses } of await Promise.all(edits)) {
      expect([status, responses]).toEqual([1, undefined]);
    }
  }
  for (const device of [phone, tablet]) await device.syncAll(drafts);
  for (const device of [phone, tablet]) {
    const held = device.collection(drafts).items.get(serverId);
    expect([textOf(held, Email.Subject), textOf(held, Email.Cc)]).toEqual(['4@example.org', '4@example.org']);
  }
  expect(await rawDrafts(server)).toHaveLength(1);
});
