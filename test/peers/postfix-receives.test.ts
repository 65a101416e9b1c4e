/** Postfix is the next hop of our mail, as the MX of a domain and as a relay. */
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { startDns } from '#test/support/dns-responder';
import { startDovecotAuth } from '#test/support/dovecot-auth';
import { minute, startOutbound } from '#test/support/outbound-site';
import { postfixForTest, testWith } from '#test/support/peers';
import { startTcpTable } from '#test/support/tcp-table';
import { tempFolder } from '#test/support/temp-store';

// Postfix takes its time between attempts, the more so on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const test = await testWith('postfix');

const zone = {
  'postfix.example': { mx: [[10, 'mx.postfix.example']] },
  'mx.postfix.example': { a: ['127.0.0.1'] },
  'other.example': { mx: [[10, 'mx.postfix.example']] },
} as const;

/** The settings of an smtpd with TLS, for the name `mx.postfix.example`. */
async function tlsSettings(): Promise<Record<string, string>> {
  const dir = join(await tempFolder(), 'tls');
  await loadOrCreateCertificate({ dir, hostnames: ['mx.postfix.example'], now: new Date() });
  return {
    smtpd_tls_security_level: 'may',
    smtpd_tls_cert_file: join(dir, 'cert.pem'),
    smtpd_tls_key_file: join(dir, 'key.pem'),
    smtpd_tls_received_header: 'yes',
  };
}

async function start(settings: Record<string, string> = {}) {
  const postfix = await postfixForTest({ domains: ['postfix.example', 'other.example'], settings });
  const site = await startOutbound({ dns: await startDns(zone), port: postfix.port });
  const keeps = async (count: number) => {
    await expect.poll(async () => (await postfix.kept()).length, { timeout: 60_000 }).toBe(count);
    return postfix.kept();
  };
  return { postfix, site, keeps };
}

test('it gets mail as the MX of a domain, over TLS, one copy for each recipient', async () => {
  const { site, keeps } = await start(await tlsSettings());
  await site.send(
    ['bob@postfix.example', 'carol@postfix.example'],
    {},
    'Subject: Dots\r\n\r\n.\r\n..\r\nEnd\r\n',
  );
  const mails = await keeps(2);
  expect(mails.map(({ to }) => to).sort()).toEqual(['bob@postfix.example', 'carol@postfix.example']);
  for (const { raw } of mails) {
    expect(raw).toMatch(/^Return-Path: <alice@ours\.example>\n/);
    expect(raw).toMatch(/Received: from mx\.ours\.example .*\n\t\(using TLSv1\.3/);
    expect(raw).toContain('ESMTPS id');
    expect(raw.endsWith('\n\n.\n..\nEnd\n')).toBe(true);
  }
  expect(await site.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('it gets 8-bit and international mail as it is', async () => {
  const { site, keeps } = await start();
  await site.send(['jörg@postfix.example'], {}, 'Subject: Grüße\r\n\r\nGrüße\r\n');
  const [mail] = await keeps(1);
  expect(Buffer.from(mail?.raw ?? '', 'latin1').toString()).toMatch(/Subject: Grüße\n[\s\S]*\n\nGrüße\n$/);
  expect(mail?.raw).toContain('with UTF8SMTP id');
});

test('25 MB pass byte for byte', async () => {
  const { site, keeps } = await start();
  const line = `${'QUJD'.repeat(19)}\r\n`;
  const body = line.repeat(Math.floor(25_000_000 / line.length));
  await site.send(['bob@postfix.example'], {}, `Subject: Large\r\n\r\n${body}`);
  const [mail] = await keeps(1);
  expect(mail?.raw.endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`)).toBe(true);
});

test('what it refuses for now is sent again after the pause of the schedule, and arrives once', async () => {
  let isLate = true;
  const table = await startTcpTable((key) =>
    key.startsWith('late@') && isLate ? '450 4.2.0 Come back' : undefined,
  );
  const { site, postfix, keeps } = await start({
    smtpd_recipient_restrictions: `check_recipient_access ${table}, permit_mynetworks, reject`,
  });
  await site.send(['bob@postfix.example', 'late@postfix.example']);
  expect((await keeps(1))[0]?.to).toBe('bob@postfix.example');
  const [waiting] = await site.queued();
  expect(waiting?.recipients.filter(({ state }) => state === 'pending')).toMatchObject([
    { address: 'late@postfix.example', last: { kind: 'deferred', status: '4.2.0' } },
  ]);
  isLate = false;
  await site.pass(minute);
  expect((await keeps(2)).filter(({ to }) => to === 'late@postfix.example')).toHaveLength(1);
  expect(await site.queued()).toEqual([]);
  await expect.poll(() => postfix.queued()).toEqual([]);
  expect(await site.inbox()).toEqual([]);
});

test('what it refuses for good comes back with its words', async () => {
  const table = await startTcpTable((key) => (key.startsWith('gone@') ? '550 5.1.6 Moved away' : undefined));
  const { site } = await start({
    smtpd_recipient_restrictions: `check_recipient_access ${table}, permit_mynetworks, reject`,
  });
  await site.send(['gone@postfix.example']);
  const [report] = await site.inbox();
  expect(report).toContain('\r\nStatus: 5.1.6\r\n');
  expect(report).toMatch(/\r\nDiagnostic-Code: smtp; 550 5\.1\.6 <gone@postfix\.example>: .*Moved away/);
});

test('it relays for who signs in, and keeps nothing of who cannot', async () => {
  const auth = await startDovecotAuth('us', 'p@ss');
  const postfix = await postfixForTest({
    domains: ['far.example'],
    settings: {
      ...(await tlsSettings()),
      ...auth,
      smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
    },
  });
  const relayed = await startOutbound({ relay: `smtp://us:p%40ss@127.0.0.1:${postfix.port}` });
  await relayed.send(['bob@far.example']);
  await expect.poll(async () => (await postfix.kept()).length).toBe(1);
  expect(await postfix.log()).toContain('sasl_method=PLAIN, sasl_username=us');
  const refused = await startOutbound({ relay: `smtp://us:wrong@127.0.0.1:${postfix.port}` });
  await refused.send(['bob@far.example']);
  expect((await refused.queued())[0]?.recipients[0]?.last).toMatchObject({ kind: 'deferred' });
  expect(await postfix.kept()).toHaveLength(1);
});
