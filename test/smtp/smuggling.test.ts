import { expect, test } from 'vitest';
import { SmtpClient } from '#test/support/smtp-client';
import { ourDomain, startSite } from './site.ts';

const bob = `bob@${ourDomain}`;
const smuggled = `MAIL FROM:<evil@away.example>\r\nRCPT TO:<${bob}>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n`;

/** Every way to write a dot alone on a line, but the right one: [in front of the dot, behind it, the reply]. */
const wrongEnds: readonly (readonly [string, string, RegExp])[] = [
  ['\n', '\n', /^550 5\.6\.11 /],
  ['\n', '\r\n', /^550 5\.6\.11 /],
  ['\n', '\r', /^550 5\.6\.11 /],
  ['\r', '\r', /^550 5\.6\.11 /],
  ['\r', '\r\n', /^550 5\.6\.11 /],
  ['\r', '\n', /^550 5\.6\.11 /],
  ['\r\n', '\n', /^550 5\.6\.11 /],
  ['\r\n', '\r', /^550 5\.6\.11 /],
  ['\r\n', '\r\r\n', /^550 5\.6\.11 /],
  ['\r\r\n', '\n', /^550 5\.6\.11 /],
  ['\n\r', '\r\n', /^550 5\.6\.11 /],
  ['\r\n\0', '\r\n', /^554 5\.6\.0 /],
  ['\0', '\r\n', /^554 5\.6\.0 /],
  ['\r\n', '\0\r\n', /^554 5\.6\.0 /],
];

const name = (text: string) =>
  text.replace(/[\r\n\0]/g, (c) => ({ '\r': 'CR ', '\n': 'LF ', '\0': 'NUL ' })[c] ?? '');

for (const isInPieces of [false, true]) {
  test.each(
    wrongEnds.map(
      ([before, behind, answer]) => [name(before), name(behind), before, behind, answer] as const,
    ),
  )(
    `%s. %sdoes not end the message${isInPieces ? ', byte by byte neither' : ''}`,
    async (_before, _behind, before, behind, answer) => {
      const site = await startSite();
      const account = await site.user(bob);
      const client = await SmtpClient.greeted(site.address);
      for (const line of ['MAIL FROM:<a@away.example>', `RCPT TO:<${bob}>`, 'DATA'])
        await client.command(line);
      const bytes = `Subject: x\r\n\r\nbody${before}.${behind}${smuggled}.\r\n`;
      if (isInPieces) {
        for (const byte of Buffer.from(bytes)) {
          client.write(Uint8Array.of(byte));
          await new Promise(setImmediate);
        }
      } else client.write(bytes);
      expect((await client.reply()).line).toMatch(answer);
      // There was one reply: nothing of it was taken for commands.
      expect((await client.command('NOOP')).code).toBe(250);
      expect(await site.messages(account)).toEqual([]);
    },
  );
}

test.each(['\r\n', '', 'x\r\n.y\r\n'])(
  'CR LF . CR LF ends the message after %j, wherever the pieces part',
  async (front) => {
    const site = await startSite();
    const account = await site.user(bob);
    const client = await SmtpClient.greeted(site.address);
    const bytes = `${front}.\r\n`;
    for (let cut = 0; cut <= bytes.length; cut++) {
      for (const line of ['MAIL FROM:<a@away.example>', `RCPT TO:<${bob}>`, 'DATA'])
        await client.command(line);
      client.write(bytes.slice(0, cut));
      await new Promise(setImmediate);
      client.write(bytes.slice(cut));
      expect((await client.reply()).code).toBe(250);
    }
    expect(await site.messages(account)).toHaveLength(bytes.length + 1);
  },
);

test('a line that begins with a stuffed dot is content, wherever the pieces part', async () => {
  const site = await startSite();
  const account = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const bytes = '..\r\n..\r\nx\r\n..\r\n.\r\n';
  for (let cut = 0; cut <= bytes.length; cut++) {
    for (const line of ['MAIL FROM:<a@away.example>', `RCPT TO:<${bob}>`, 'DATA']) await client.command(line);
    client.write(bytes.slice(0, cut));
    await new Promise(setImmediate);
    client.write(bytes.slice(cut));
    expect((await client.reply()).code).toBe(250);
  }
  for (const { raw } of await site.messages(account))
    expect(raw.endsWith('+0000\r\n.\r\n.\r\nx\r\n.\r\n')).toBe(true);
});
