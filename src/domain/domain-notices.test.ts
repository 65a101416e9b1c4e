import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { LookOutcome } from '#directory/decide-domain';
import type { Recipient } from '#directory/lookups';
import { silentLogger } from '#telemetry/log';
import { fixedClock } from '#test/support/temp-store';
import { DomainNotices } from './domain-notices.ts';
import type { OrganizationId } from './ids.ts';

const organization = 'm-00000000000000000000000000000001' as OrganizationId;
const name = 'example.com';
const lookedMs = Date.UTC(2026, 10, 23);
const hourMs = 3_600_000;

async function tell(
  outcome: Pick<LookOutcome, 'warning'> | undefined,
  recipient: Recipient = { kind: 'group', group: 'g' as never, accounts: [] },
): Promise<readonly string[]> {
  const letters: string[] = [];
  const enqueue = vi.fn(async () => undefined);
  const notices = new DomainNotices({
    store: { enqueue },
    directory: {
      resolveRecipient: async () => recipient,
      describeOrganization: async () => ({ testDomain: 'acme.mailstead.test' }),
    },
    ownMail: {
      make: async ({ content, recipients }) => {
        expect(recipients).toEqual([{ address: 'postmaster@acme.mailstead.test' }]);
        if ('raw' in content) letters.push(Buffer.from(content.raw).toString().replaceAll('=\r\n', ''));
        return [];
      },
    },
    outside: { clock: fixedClock(lookedMs), random: { bytes: (length) => randomBytes(length) } },
    hostname: 'mail.example.net',
    log: silentLogger,
    wakeRelay: () => undefined,
  });
  const domain = {
    name,
    state: 'Verified',
    test: false,
    registeredMs: 0,
    ownershipToken: 'the-token',
  } as const;
  const look = { lookedMs, checks: [], slow: [], ownershipGoneMs: 0, ownershipGoneForMs: 13 * 24 * hourMs };
  const whole = outcome && ({ domain, before: 'Verified', look, isChanged: false, ...outcome } as const);
  notices.looked({ organization, domain: name, outcome: whole });
  await notices.stop();
  expect(enqueue).toHaveBeenCalledTimes(letters.length);
  return letters;
}

test('who reads postmaster@ is told what to put back and until when, and when mail is refused', async () => {
  const [gone = ''] = await tell({ warning: 'gone' });
  expect(gone).toContain('Subject: The DNS record of example.com is gone\r\n');
  expect(gone).toMatch(/^Auto-Submitted: auto-generated\r$/m);
  expect(gone).toContain('\r\n  _mailstead.example.com.  TXT  "the-token"\r\n');
  expect(gone).toContain('is accepted until Tue, 24 Nov 2026 00:00:00 GMT, and refused from then on.');
  const [refused = ''] = await tell({ warning: 'refused' });
  expect(refused).toContain('Subject: Mail for example.com is refused\r\n');
  expect(refused).toContain('"the-token"');
});

test('nobody is told of a look without news, and nothing is sent where nobody reads postmaster@', async () => {
  expect(await tell(undefined)).toEqual([]);
  expect(await tell({ warning: undefined })).toEqual([]);
  for (const kind of ['unknown', 'disabled', 'elsewhere'] as const) {
    expect(await tell({ warning: 'gone' }, { kind })).toEqual([]);
  }
});
