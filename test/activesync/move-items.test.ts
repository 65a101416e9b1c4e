import { describe, expect, test } from 'vitest';
import type { FolderId } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { newItem } from '#test/support/new-item';
import { folderCommands, startFolderPhone } from './folder-phone.ts';
import { startEndpoint } from './server.ts';

describe.each(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const)('%s', (version) => {
  const start = async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await phone.folderSync();
    const [inbox, trash] = [phone.folder(2), phone.folder(4)];
    return { server, phone, inbox, trash, id: await server.deliver('One') };
  };

  test('a moved item keeps its number, and moving it again gives the same answer', async () => {
    const { phone, inbox, trash, id } = await start();
    const move = { item: `${inbox}:${id}`, from: inbox, to: trash };
    const done = [{ source: move.item, status: 3, destination: `${trash}:${id}` }];
    expect(await phone.moveItems(move)).toEqual(done);
    expect(await phone.moveItems(move)).toEqual(done);
  });

  test('each move is answered on its own: 1, 2, 4 and 3', async () => {
    const { phone, inbox, trash, id } = await start();
    const item = `${inbox}:${id}`;
    const results = await phone.moveItems(
      { item: `${inbox}:${id + 1}`, from: inbox, to: trash },
      { item: 'nonsense', from: inbox, to: trash },
      { item, from: trash, to: inbox },
      { item, from: inbox, to: '999' },
      { item, from: inbox, to: phone.folder(8) },
      { item, from: inbox, to: inbox },
      { item, from: inbox, to: trash },
    );
    expect(results.map(({ status }) => status)).toEqual([1, 1, 1, 2, 2, 4, 3]);
  });

  test('a move to two folders is refused with 5, and nothing is moved', async () => {
    const { phone, inbox, trash, id } = await start();
    const item = `${inbox}:${id}`;
    const twice = [el(Move.DstFldId, trash), el(Move.DstFldId, phone.folder(5))];
    const move = el(Move.Move, el(Move.SrcMsgId, item), el(Move.SrcFldId, inbox), ...twice);
    const { element } = await phone.post('MoveItems', el(Move.MoveItems, move), { validateRequest: false });
    const [response] = element === undefined ? [] : childrenOf(element, Move.Response);
    expect(response && textOf(response, Move.Status)).toBe('5');
    expect((await phone.moveItems({ item, from: inbox, to: trash })).map(({ status }) => status)).toEqual([
      3,
    ]);
  });

  test('MoveItems: a Response for each Move in their order: SrcMsgId, Status, and DstMsgId with Status 3 alone', async () => {
    const { phone, inbox, trash, id } = await start();
    const move = (item: string, to: string) =>
      el(Move.Move, el(Move.SrcMsgId, item), el(Move.SrcFldId, inbox), el(Move.DstFldId, to));
    const moves = [move(`${inbox}:${id}`, '999'), move(`${inbox}:${id}`, trash)];
    const { element } = await phone.command('MoveItems', el(Move.MoveItems, ...moves));
    const responses = element === undefined ? [] : childrenOf(element, Move.Response);
    expect(element?.children).toHaveLength(responses.length);
    const read = responses.map(({ children }) => children.map(({ tag, text }) => `${tag.name} ${text}`));
    expect(read).toEqual([
      [`SrcMsgId ${inbox}:${id}`, 'Status 2'],
      [`SrcMsgId ${inbox}:${id}`, 'Status 3', `DstMsgId ${trash}:${id}`],
    ]);
  });

  test('MoveItems: without SrcFldId Status 1, without DstFldId 2, without a SrcMsgId of 1 to 64 characters 103 (HTTP 400)', async () => {
    const { phone, inbox, trash, id } = await start();
    const item = el(Move.SrcMsgId, `${inbox}:${id}`);
    const [from, to] = [el(Move.SrcFldId, inbox), el(Move.DstFldId, trash)];
    const post = (...parts: Element[]) =>
      phone.post('MoveItems', el(Move.MoveItems, el(Move.Move, ...parts)), { validateRequest: false });
    for (const [parts, status] of [
      [[item, to], '1'],
      [[item, from], '2'],
    ] as const) {
      const { element } = await post(...parts);
      expect(textOf(element, Move.Response, Move.Status)).toBe(status);
    }
    for (const wrong of [[], [el(Move.SrcMsgId)], [el(Move.SrcMsgId, '1'.repeat(65))]]) {
      const { status, rootStatus } = await post(...wrong, from, to);
      expect([status, rootStatus]).toEqual(isAtLeast(version, '14.0') ? [200, 103] : [400, undefined]);
    }
    expect((await phone.moveItems({ item: item.text, from: inbox, to: trash }))[0]?.status).toBe(3);
  });

  test('an empty request is refused by the version, and one with too many moves', async () => {
    const { phone, inbox, trash, id } = await start();
    const moves = Array.from({ length: 1001 }, () =>
      el(Move.Move, el(Move.SrcMsgId, `${inbox}:${id}`), el(Move.SrcFldId, inbox), el(Move.DstFldId, trash)),
    );
    for (const body of [el(Move.MoveItems), el(Move.MoveItems, ...moves)]) {
      const { status, rootStatus } = await phone.post('MoveItems', body, { validateRequest: false });
      expect(!isAtLeast(version, '14.0') ? status : rootStatus).toBe(!isAtLeast(version, '14.0') ? 400 : 103);
    }
  });
});

test('MoveItems: a repeated move of an item that went on from there answers Status 3, for another device Status 1', async () => {
  const server = await startEndpoint();
  const [phone, tablet] = [server.phone('14.1'), server.phone('16.1', { deviceId: 'tablet' })];
  for (const device of [phone, tablet]) {
    await device.provision();
    await device.folderSync();
  }
  const [inbox, trash, sent] = [phone.folder(2), phone.folder(4), phone.folder(5)];
  const id = await server.deliver('One');
  const move = { item: `${inbox}:${id}`, from: inbox, to: trash };
  await phone.moveItems(move);
  await tablet.moveItems({ item: `${trash}:${id}`, from: trash, to: sent });
  expect(await phone.moveItems(move)).toEqual([
    { source: move.item, status: 3, destination: `${trash}:${id}` },
  ]);
  expect(await tablet.moveItems(move)).toEqual([{ source: move.item, status: 1, destination: undefined }]);
});

test('MoveItems: a repeated move of an item that is gone with its new folder answers Status 3, and nothing of it is left', async () => {
  const { server, phone } = await startFolderPhone();
  const inbox = phone.folder(2);
  const id = await server.deliver('One');
  await phone.syncAll(inbox);
  const folder = await folderCommands(phone).create('Mine');
  const move = { item: `${inbox}:${id}`, from: inbox, to: folder };
  const done = await phone.moveItems(move);
  const { phone: tablet } = await startFolderPhone('16.1', { server, deviceId: 'tablet' });
  expect(await folderCommands(tablet).remove(folder)).toBe(1);
  expect(await phone.moveItems(move)).toEqual(done);
  expect(await phone.moveItems({ ...move, item: `${inbox}:${id + 1}` })).toMatchObject([{ status: 2 }]);
});

test('MoveItems: 1,000 messages are moved in a few transactions, and each is told of', async () => {
  const { server, phone } = await startFolderPhone();
  const [inbox, trash] = [phone.folder(2), phone.folder(4)];
  const mailbox = new Mailbox(server.database.mail, server.alice.mailbox);
  const added: string[] = [];
  while (added.length < 1000)
    await mailbox.transact(async (tx) => {
      for (let n = added.length; n < 1000 && tx.hasRoom(); n++)
        added.push(`${inbox}:${(await tx.addItem(1 as FolderId, newItem(`${n}`, n))).id}`);
    });
  await phone.syncAll(inbox);
  const before = await mailbox.reader.lastSeq();
  const answers = await phone.moveItems(...added.map((item) => ({ item, from: inbox, to: trash })));
  expect(answers.map(({ source }) => source)).toEqual(added);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([3]));
  expect((await mailbox.reader.lastSeq()) - before).toBeLessThan(10);
  expect(new Set((await phone.syncAll(trash)).keys())).toEqual(
    new Set(answers.map(({ destination }) => destination)),
  );
});

test('MoveItems: what another device moved there meanwhile answers Status 1, and is told of in its old place when it comes back', async () => {
  const server = await startEndpoint();
  const [phone, tablet] = [server.phone('14.1'), server.phone('16.1', { deviceId: 'tablet' })];
  const id = await server.deliver('One');
  for (const device of [phone, tablet]) {
    await device.provision();
    await device.folderSync();
    for (const type of [2, 4]) await device.syncAll(device.folder(type));
  }
  const [inbox, trash] = [phone.folder(2), phone.folder(4)];
  const [item, binned] = [`${inbox}:${id}`, `${trash}:${id}`];
  await tablet.moveItems({ item, from: inbox, to: trash });
  const [answer] = await phone.moveItems({ item, from: inbox, to: trash });
  expect(answer).toEqual({ source: item, status: 1, destination: undefined });
  await tablet.moveItems({ item: binned, from: trash, to: inbox });
  for (const folder of [inbox, trash]) await phone.syncAll(folder);
  expect([...phone.collection(inbox).items.keys()]).toEqual([item]);
  expect([...phone.collection(trash).items.keys()]).toEqual([]);
});

test('the others are told of a move, the device that made it is not', async () => {
  const server = await startEndpoint();
  const [phone, tablet] = [server.phone('14.1'), server.phone('16.1', { deviceId: 'tablet' })];
  const id = await server.deliver('One');
  for (const device of [phone, tablet]) {
    await device.provision();
    await device.folderSync();
    await device.syncAll(device.folder(2));
    await device.syncAll(device.folder(4));
  }
  const [inbox, trash] = [phone.folder(2), phone.folder(4)];
  await phone.moveItems({ item: `${inbox}:${id}`, from: inbox, to: trash });
  expect((await phone.sync(inbox)).commands).toBeUndefined();
  await tablet.syncAll(inbox);
  await tablet.syncAll(trash);
  expect([...tablet.collection(inbox).items.keys()]).toEqual([]);
  expect([...tablet.collection(trash).items.keys()]).toEqual([`${trash}:${id}`]);
});
