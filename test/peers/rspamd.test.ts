/** The real rspamd as content scanner. */
import { expect } from 'vitest';
import { FolderType } from '#domain/folder';
import { Rspamd } from '#protocols/smtp/rspamd';
import { silentLogger } from '#telemetry/log';
import { testWith } from '#test/support/peers';
import { gtube, startRspamd } from '#test/support/rspamd';
import { SmtpClient } from '#test/support/smtp-client';
import { systemOutside } from '../../src/outside.ts';
import { ourDomain, startSite } from '../smtp/site.ts';

const test = await testWith('rspamd');
const bob = `bob@${ourDomain}`;

test('mail is refused, put aside, put off or taken as its score says', async () => {
  const { clock } = systemOutside;
  const bounds = { failOpen: false, timeoutMs: 30_000, maxBytes: 10 * 1024 * 1024 };
  const url = await startRspamd();
  const scanner = new Rspamd({ url, ...bounds, hostname: 'mx.ours.example', clock, log: silentLogger });
  const site = await startSite({ scanner });
  const user = await site.user(bob);
  const client = await SmtpClient.greeted(site.address);
  const send = async (subject: string, text = 'Hello\r\n') => {
    const raw = `From: <al@away.example>\r\nTo: <${bob}>\r\nSubject: ${subject}\r\n\r\n${text}`;
    return (await client.mail('al@away.example', [bob], raw)).line;
  };
  expect(await send('GTUBE', `${gtube}\r\n`)).toMatch(/^554 5\.7\.1 Gtube pattern \[/);
  expect(await send('score 20')).toMatch(/^554 5\.7\.1 /);
  expect(await send('score 5')).toMatch(/^451 4\.7\.1 /);
  expect(await send('score 8')).toMatch(/^250 /);
  expect(await send('score 1')).toMatch(/^250 /);
  expect(await send('Große Datei', 'xyz\r\n'.repeat(140_000))).toMatch(/^250 /);
  const [aside, ...more] = await site.messages(user, FolderType.UserMail);
  expect(more).toEqual([]);
  expect(aside?.raw).toContain('X-Spam-Status: Yes, score=8.00, required=15.00');
  expect((await site.messages(user)).map(({ item }) => item.verdicts?.scan)).toEqual([
    { action: 'accept', score: 0, required: 15 },
    { action: 'accept', score: 1, required: 15 },
  ]);
}, 60_000);
