import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { AttachmentPolicy } from '#domain/attachment-policy';
import { Delivery } from '#domain/delivery';
import type { DeviceId } from '#domain/ids';
import type { MailStore } from '#domain/ports';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { startOutbound } from '#test/support/outbound-site';

test('a phone repeats a mail to seventy domains that was cut off before it was marked as done: each gets it once', async () => {
  const domains = Array.from({ length: 70 }, (_, n) => `d${n}.example`);
  const zone = Object.fromEntries(domains.map((domain) => [domain, { a: ['127.0.0.1'] }]));
  const next = await startNextServer();
  const site = await startOutbound({ dns: await startDns(zone), port: next.port });
  const { alice, clock, database, runner } = site;
  let isCutOff = true;
  const store = new Proxy<MailStore>(database.mail, {
    get: (target, name: keyof MailStore) => {
      if (name !== 'transact') return target[name].bind(target);
      return isCutOff ? () => Promise.reject(new Error('cut off')) : target.transact.bind(target);
    },
  });
  const delivery = new Delivery({
    store,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    limits: { maxMessageBytes: 30_000_000, mailboxQuotaBytes: 1e12 },
    hostname: 'mx.ours.example',
    attachments: new AttachmentPolicy({ blockedExtensions: [], inspectArchives: false }),
    wakeQueue: () => undefined,
    wakeRelay: (due) => runner.wake(due),
  });
  const raw = [Buffer.from('Subject: Hello\r\n\r\nText\r\n')];
  const send = () =>
    delivery.send({
      from: alice,
      device: { id: 'phone' as DeviceId, firstSyncMs: 0 },
      clientId: 'one',
      raw,
      rawForSent: raw,
      saveInSent: true,
      recipients: [],
      elsewhere: domains.map((domain) => `bob@${domain}`),
      dedupeKeys: [],
    });
  await expect(send()).rejects.toThrow('cut off');
  await runner.settled();
  isCutOff = false;
  expect(await send()).toBe('sent');
  await runner.settled();
  expect(await send()).toBe('duplicate');
  await runner.settled();
  const got = next.mails.flatMap(({ to }) => to).sort();
  expect(got).toEqual(domains.map((domain) => `bob@${domain}`).sort());
});
