import { expect, test } from 'vitest';
import { mailboxPart } from '#storage/keys';
import { mailboxRows } from '#storage/layout';
import { Maintenance } from '#storage/maintenance';
import { silentLogger } from '#telemetry/log';
import { email, findMail, freeText, inFolder, mail, searchMail } from './search-phone.ts';
import { startEndpoint, type TestServer } from './server.ts';

/** The index of Alice's mailbox, which somebody has searched. */
async function makeIndex({ database, organization, alice }: TestServer) {
  const clock = { now: () => Date.now() + 3_600_000, after: () => () => undefined };
  await new Maintenance({ ...database, clock, log: silentLogger }).runDue(clock.now());
  const part = mailboxPart(organization, alice.mailbox.mailbox);
  expect((await database.store.page(part, mailboxRows.searchSegment.range())).rows).not.toEqual([]);
}

const texts = ['red apple', 'green pear', 'Réd péar', 'red, pear'];

test('Search, Find: what is found is the same before and after the mailbox has an index, and with mail behind it', async () => {
  const server = await startEndpoint();
  const phone = server.phone('16.1');
  await phone.provision();
  for (let n = 0; n < 80; n++) {
    await server.receive(mail(`mail ${n}`, texts[n % 4]), { receivedMs: (n + 1) * 1000 });
  }
  let searches = 0;
  const search = async () => [
    await searchMail(phone, [email, inFolder(1), freeText('red')]),
    await searchMail(phone, [email, inFolder(1), freeText('"red pear"')]),
    await searchMail(phone, [email, inFolder(1), freeText('mail 7')]),
    await findMail(phone, 'pear -red subject:mail', { searchId: `search-${searches++}` }),
    await findMail(phone, 'banana', { searchId: `search-${searches++}` }),
  ];
  const before = await search();
  expect(before.map(({ total }) => total).slice(0, 3)).toEqual([60, 40, 11]);
  await makeIndex(server);
  // Anew, not what was kept.
  await server.receive(mail('another', 'red'), { receivedMs: 1 });
  const after = await search();
  expect(after.map(({ subjects }) => subjects.filter((subject) => subject !== 'another'))).toEqual(
    before.map(({ subjects }) => subjects),
  );
  expect(after[0]?.total).toBe(61);
});

/** A message of one part; `type` is its Content-Type, `body` its bytes. */
function partMail(subject: string, type: string, body: string | Buffer, encoding = '8bit'): Buffer {
  const header = [
    'From: Bob <bob@example.org>',
    'To: alice@example.test',
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    `Content-Type: ${type}`,
    `Content-Transfer-Encoding: ${encoding}`,
  ];
  return Buffer.concat([
    Buffer.from(`${header.join('\r\n')}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ]);
}

const html = 'text/html; charset=utf-8';
const plain = 'text/plain; charset=utf-8';
const word = (charset: string, bytes: Buffer) => `=?${charset}?B?${bytes.toString('base64')}?=`;

/** By its name: a message, and what finds it alone. */
const hard: Readonly<Record<string, readonly [Buffer, readonly string[]]>> = {
  // A character is cut in two between the words, which RFC 2047 forbids and mailers do.
  words: [
    mail(
      `words ${word('utf-8', Buffer.from('Übersichtst').subarray(0, 6))}\r\n ${word('utf-8', Buffer.from('Übersichtst').subarray(6))}`,
    ),
    ['übersichtst', 'Ubersichts'],
  ],
  folded: [
    mail(`folded =?iso-8859-1?Q?Stra=DFen?= =?iso-8859-1?Q?bahnhaltestelle?= 7`),
    ['strassenbahnhalt', '"Straßenbahnhaltestelle 7"'],
  ],
  entities: [
    partMail(
      'entities',
      html,
      '<p>Informaci&oacute;n <b>a</b>mbul&aacute;ncia Donau&shy;dampf &#x15f;ehir&#39;de</p>',
    ),
    ['informacion', 'ambulancia', 'donaudampf', 'şehir', 'SEHIR'],
  ],
  turkish: [
    partMail('turkish', plain, 'IĞDIR ve Isparta, İzmir ılıca'),
    ['ığdır', 'igdir', 'ISPARTA', 'ızmır', 'ILICA'],
  ],
  greek: [partMail('greek', plain, 'Ὀδυσσεύς ΣΊΣΥΦΟΣ'), ['οδυσσευς', 'σίσυφος', 'ΣΙΣΥΦΟΣ']],
  japanese: [
    partMail('japanese', 'text/plain; charset=iso-2022-jp', '\u001b$BM=Ls\u001b(B', '7bit'),
    ['予約', '約'],
  ],
  chinese: [
    partMail('chinese', plain, '关于下周会议的安排，请看附件。'),
    ['会议', '下周会议', '"附件"', '排'],
  ],
  half: [partMail('half', plain, 'ｶﾞｲﾄﾞﾌﾞｯｸ ＡＢＣ商事'), ['ガイドブック', 'abc商事', 'ガイド']],
  marks: [partMail('marks', plain, 'Ame\u0301lie ca\u0327a Nai\u0308ve'), ['Amélie', 'çaa', 'naive']],
  hebrew: [partMail('hebrew', plain, '\u200fשָׁלוֹם לְךָ\u200f'), ['שלום', 'לך']],
  numbers: [
    partMail('numbers', plain, 'Rechnung 2026-11/0042, +49 (89) 1234-567, 1.234,56 EUR'),
    ['0042', '2026-11/0042', '1.234,56', '"49 89 1234"'],
  ],
  address: [
    mail('address', 'x', ['Cc: "O\'Neill, Zoë" <zoe.o-neill+tag@sub.example.co.uk>']),
    ['zoe.o-neill+tag@sub.example.co.uk', "o'neill", 'sub.example.co', 'Zoë'],
  ],
  file: [
    partMail(
      'file',
      "application/pdf; name*0*=utf-8''%E2%82%AC%20Kosten%C3%BC; name*1=bersicht_2026.pdf",
      'x',
    ),
    ['kostenübersicht_2026', '2026.pdf'],
  ],
  emoji: [partMail('emoji', plain, 'party 🎉🎉 ❤\ufe0f 👩\u200d💻'), ['🎉', '❤', '👩\u200d💻']],
  long: [
    partMail('long', plain, `${'langeswort'.repeat(30)}ende ${'会'.repeat(300)}議`),
    ['langeswort'.repeat(29), `会${'会'.repeat(60)}議`],
  ],
};

test('Search: words that are written in many ways are found, the same before and after there is an index', async () => {
  const server = await startEndpoint();
  const phone = server.phone('14.1');
  await phone.provision();
  for (const [message] of Object.values(hard)) await server.receive(message, { receivedMs: 1000 });
  for (let n = 0; n < 64; n++) await server.receive(mail(`filler ${n}`, 'q'), { receivedMs: 2000 + n });
  const findAll = async () => {
    const wrong: string[] = [];
    for (const [name, [, queries]] of Object.entries(hard)) {
      for (const query of queries) {
        const { subjects } = await searchMail(phone, [email, freeText(query)]);
        const names = subjects.map((subject) => subject?.split(' ')[0]);
        if (names.join() !== name) wrong.push(`${query} of ${name} finds ${names.join()}`);
      }
    }
    return wrong;
  };
  expect(await findAll()).toEqual([]);
  await makeIndex(server);
  await server.receive(mail('one more', 'q'));
  expect(await findAll()).toEqual([]);
  const one = await searchMail(phone, [email, freeText('q')]);
  expect(one.total).toBe(65);
});
