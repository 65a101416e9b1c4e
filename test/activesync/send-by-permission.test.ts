/** What a phone sends by the right of somebody else: SEND_AS and SEND_ON_BEHALF. */
import { describe, expect, test } from 'vitest';
import { FolderType } from '#domain/folder';
import { smartMail } from '#test/support/smart-mail';
import { add, body, draftVersions, send, startDrafts } from './drafts-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';

const boss = 'boss@example.test';
const grant = ({ rights }: TestServer, permission: 'SEND_AS' | 'SEND_ON_BEHALF', isRead = true) =>
  rights.set(boss, { permission, address: boss, displayName: 'The Boss', isRead });

/** The fields that tell who it is from, and where what comes back goes. */
const authorsOf = (raw = '') => raw.match(/^(?:Return-Path|From|Sender):.*(?=\r$)/gm);

const mail = (from: string, more = '') =>
  `From: ${from}\r\n${more}To: bob@example.test\r\nSubject: Hello\r\n\r\nHi\r\n`;

const own = ['Return-Path: <alice@example.test>', 'From: "alice" <alice@example.test>'];
const behalf = [
  'Return-Path: <alice@example.test>',
  `From: Boss <${boss}>`,
  'Sender: "alice" <alice@example.test>',
];

test.each<[string, 'SEND_AS' | 'SEND_ON_BEHALF' | undefined, string, boolean, readonly string[]]>([
  ['without a right From is the own address', undefined, mail(`Boss <${boss}>`), true, own],
  [
    'SEND_AS: From stays',
    'SEND_AS',
    mail(`Boss <${boss}>`),
    true,
    [`Return-Path: <${boss}>`, `From: Boss <${boss}>`],
  ],
  [
    'SEND_AS: the own Sender stays',
    'SEND_AS',
    mail(`Boss <${boss}>`, 'Sender: "alice" <alice@example.test>\r\n'),
    true,
    [`Return-Path: <${boss}>`, ...behalf.slice(1)],
  ],
  [
    'SEND_AS: the Sender of somebody else goes',
    'SEND_AS',
    mail(`Boss <${boss}>`, 'Sender: bob@example.test\r\n'),
    true,
    [`Return-Path: <${boss}>`, `From: Boss <${boss}>`],
  ],
  [
    'SEND_AS of a group: what comes back goes to who sent it',
    'SEND_AS',
    mail(`Boss <${boss}>`),
    false,
    ['Return-Path: <alice@example.test>', `From: Boss <${boss}>`],
  ],
  ['SEND_ON_BEHALF: Sender is added', 'SEND_ON_BEHALF', mail(`Boss <${boss}>`), true, behalf],
  [
    'SEND_ON_BEHALF: Sender is put right',
    'SEND_ON_BEHALF',
    mail(`Boss <${boss}>`, `Sender: ${boss}\r\n`),
    true,
    behalf,
  ],
  ['a From of two is the own address', 'SEND_AS', mail(`${boss}, alice@example.test`), true, own],
  ['two From fields are the own address', 'SEND_AS', mail(boss, 'From: bob@example.test\r\n'), true, own],
])('SendMail: %s', async (_rule, permission, mime, isRead, expected) => {
  const server = await startEndpoint();
  if (permission !== undefined) grant(server, permission, isRead);
  const phone = server.phone('14.1');
  await phone.provision();
  const answer = await phone.sendMail(mime);
  expect([answer.status, answer.body.length]).toEqual([200, 0]);
  const [received] = await server.messages(server.bob, FolderType.Inbox);
  expect(authorsOf(received)).toEqual(expected);
  const [sent] = await server.messages(server.alice, FolderType.SentItems);
  expect(authorsOf(sent)).toEqual(expected.slice(1));
});

test.each(['SmartReply', 'SmartForward'] as const)('%s: SEND_ON_BEHALF adds Sender', async (command) => {
  const server = await startEndpoint();
  grant(server, 'SEND_ON_BEHALF');
  const phone = server.phone('14.1');
  await phone.provision();
  await phone.folderSync();
  const itemId = await server.receive(
    `From: bob@example.test\r\nTo: ${boss}\r\nSubject: Lunch\r\n\r\nNoon\r\n`,
  );
  const answer = await smartMail(phone, command, { mime: mail(`Boss <${boss}>`), itemId });
  expect([answer.status, answer.body.length]).toEqual([200, 0]);
  expect(authorsOf((await server.messages(server.bob, FolderType.Inbox))[0])).toEqual(behalf);
});

describe.each(draftVersions)('%s: Send in Drafts', (version) => {
  test.each([
    ['SEND_AS', [`Return-Path: <${boss}>`, `From: "The Boss" <${boss}>`]],
    ['SEND_ON_BEHALF', [own[0], `From: "The Boss" <${boss}>`, behalf[2]]],
    [undefined, own],
  ] as const)('a From in MIME by %s', async (permission, expected) => {
    const { server, phone, drafts } = await startDrafts(version);
    if (permission !== undefined) grant(server, permission);
    const result = await phone.sync(drafts, { commands: [add('1', body(4, mail(`Boss <${boss}>`)), send)] });
    expect(result.status).toBe(1);
    expect(authorsOf((await server.messages(server.bob, FolderType.Inbox))[0])).toEqual(expected);
  });
});
