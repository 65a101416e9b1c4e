/** What phones ask of a server that is killed meanwhile: messages whose bodies are files. */
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, el, textOf } from '#protocols/activesync/wbxml/element';
import { smartMail } from '#test/support/smart-mail';
import {
  add,
  attachments,
  body,
  change,
  file,
  letter,
  references,
  removedFile,
  send,
} from '../activesync/drafts-phone.ts';
import {
  type CrashCase,
  countFault,
  expectSame,
  patiently,
  place,
  putRaw,
  size,
  text,
} from './crash-case.ts';

const largeDraft: CrashCase = {
  name: 'a draft with large files is added, changed and sent',
  group: 'files',
  writesKib: 4200 * (size.file / 333_000),
  begin: async ({ phone, friend }) => {
    const one = await phone('one');
    const drafts = one.folder(3);
    const subject = 'a large draft';
    await one.syncAll(drafts);
    const files = ['a', 'b', 'c', 'd'].map((name) => file(name, `${name}.bin`, name.repeat(size.file)));
    const [a, b, c, d] = files as [
      (typeof files)[0],
      (typeof files)[0],
      (typeof files)[0],
      (typeof files)[0],
    ];
    const to = el(Email.To, friend.address);
    let id = '';
    let names: Record<string, string> = {};
    const sync = async (command: ReturnType<typeof add>, wanted: readonly unknown[]) => {
      const { status, responses } = await one.sync(drafts, { commands: [command] });
      expectSame(
        'Sync',
        [status, ...(responses?.children ?? []).map((child) => textOf(child, AirSync.Status))],
        [1, ...wanted],
      );
      return responses;
    };
    const adding = add('c1', ...letter(subject, to, body(1, 'Text'), attachments(a, b, c)));
    const steps = [
      async () => {
        const responses = await sync(adding, ['1']);
        id = textOf(responses, AirSync.Add, AirSync.ServerId) ?? '';
        names = references(child(responses, AirSync.Add));
        expectSame('files', Object.keys(names), ['a', 'b', 'c']);
      },
      async () => {
        const more = attachments(removedFile(names['a'] ?? ''), removedFile(names['b'] ?? ''), d);
        const responses = await sync(change(id, more), ['1']);
        expectSame('files', Object.keys(references(child(responses, AirSync.Change))), ['d']);
      },
      async () => {
        await sync(change(id, to, send), ['1']);
      },
    ];
    return {
      steps,
      check: (own, friends) => [
        ...countFault(own, subject, place.drafts, 0),
        ...countFault(own, subject, place.sent, 1),
        ...countFault(friends, subject, place.inbox, 1),
        ...own.items
          .filter(({ envelope }) => envelope.subject === subject)
          .filter(({ attachments: held }) => held.map(({ name }) => name).join() !== 'c.bin,d.bin')
          .map(({ attachments: held }) => `sent with ${held.map(({ name }) => name)}`),
      ],
    };
  },
};

const largeMail = (to: string, subject: string) =>
  `To: ${to}\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@phone.example>\r\n\r\n`;

const sendLarge: CrashCase = {
  name: 'SendMail of a large message',
  group: 'files',
  writesKib: size.mail / 512,
  begin: async ({ phone, friend }) => {
    const one = await phone('one');
    const mime = `${largeMail(friend.address, 'a large mail')}${text(size.mail)}`;
    const step = async () => {
      const answer = await patiently(() => one.sendMail(mime, { clientId: 'client-1' }));
      expectSame('SendMail', [answer.status, answer.body.length], [200, 0]);
    };
    return {
      steps: [step],
      check: (own, friends) => [
        ...countFault(own, 'a large mail', place.sent, 1),
        ...countFault(friends, 'a large mail', place.inbox, 1),
      ],
    };
  },
};

const forwardLarge: CrashCase = {
  name: 'SmartForward of a large message by an old phone',
  group: 'files',
  writesKib: size.mail / 720,
  fill: (database, person) => {
    const head =
      'Subject: source\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\n';
    const part =
      'Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    return putRaw(database, person, place.inbox, `${head}${part}${text(size.mail * 0.7)}--b--\r\n`);
  },
  begin: async ({ phone, friend }) => {
    const one = await phone('one', '12.1');
    const itemId = [...(await one.syncAll(one.folder(2))).keys()][0] ?? '';
    const mime = `${largeMail(friend.address, 'a large forward')}See below.\r\n`;
    const step = async () => {
      const forward = () => smartMail(one, 'SmartForward', { mime, itemId, folderId: one.folder(2) });
      const answer = await patiently(forward);
      expectSame('SmartForward', [answer.status, answer.body.length], [200, 0]);
    };
    return {
      steps: [step],
      check: (own, friends) => [
        ...countFault(own, 'a large forward', place.sent, 1),
        ...countFault(friends, 'a large forward', place.inbox, 1),
        ...(own.items.some(({ marks, envelope }) => envelope.subject === 'source' && marks.lastVerb !== 3)
          ? ['the source does not say that it was forwarded']
          : []),
      ],
    };
  },
};

export const fileCases: readonly CrashCase[] = [largeDraft, sendLarge, forwardLarge];
