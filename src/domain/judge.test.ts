import { expect, test } from 'vitest';
import type { ScanDecision } from './content-scanner.ts';
import type { OrganizationId } from './ids.ts';
import { judge } from './judge.ts';
import type { Authentication } from './verdicts.ts';

const organizations = ['one', 'two'] as OrganizationId[];
const body = { size: 3, read: async function* () {} };
const client = { address: '192.0.2.1', name: 'client.example' };
const junk: ScanDecision = { kind: 'pass', verdict: { action: 'junk', score: 7, required: 15 } };

function judged(
  {
    isAuthenticated = false,
    hasClient = true,
    authentication = undefined as Authentication | undefined,
  } = {},
  decision: ScanDecision = junk,
) {
  const envelope = {
    reversePath: 'a@b.example',
    recipients: [],
    isAuthenticated,
    ...(hasClient && { client }),
  };
  const scanner = { scan: async () => decision };
  return judge({ acceptId: '1', envelope, organizations, body, authentication }, { scanner });
}

function failing(policy: 'reject' | 'quarantine', result: 'fail' | 'temperror' = 'fail'): Authentication {
  const none = { result: 'none', domain: '' } as const;
  const dmarc = { result, domain: 'b.example', policy };
  return {
    verdicts: { spf: none, dkim: { result: 'none', domains: [] }, dmarc, arc: none },
    field: 'F: x\r\n',
  };
}

test('what the scanner calls junk is junk for all, and says so', async () => {
  const { fields, verdictsFor } = await judged();
  expect(fields).toBe('X-Spam-Status: Yes, score=7.00, required=15.00\r\n');
  for (const organization of organizations) {
    expect(verdictsFor(organization)).toEqual({ scan: junk.verdict, junk: 'scanner' });
  }
});

test('what a user sends is never junk, and bears no mark', async () => {
  const { fields, verdictsFor } = await judged({ isAuthenticated: true });
  expect(fields).toBe('');
  for (const organization of organizations) expect(verdictsFor(organization)?.junk).toBeUndefined();
  await expect(judged({ isAuthenticated: true }, { kind: 'refuse', text: undefined })).rejects.toMatchObject({
    code: 'message/unwanted',
  });
});

test('what is made here is not looked at', async () => {
  const { fields, verdictsFor } = await judged({ hasClient: false });
  expect([fields, verdictsFor(organizations[0] as OrganizationId)]).toEqual(['', undefined]);
});

test('DMARC is looked at before the scanner is asked, and counts more', async () => {
  await expect(judged({ authentication: failing('reject') })).rejects.toMatchObject({
    code: 'message/unauthenticated',
  });
  const { fields, verdictsFor } = await judged({ authentication: failing('quarantine') });
  expect(fields).toBe('F: x\r\nX-Spam-Status: Yes, score=7.00, required=15.00\r\n');
  expect(verdictsFor(organizations[0] as OrganizationId)?.junk).toBe('dmarc');
});

test('a temporary error refuses nothing', async () => {
  const pass: ScanDecision = { kind: 'pass', verdict: { action: 'accept' } };
  const { verdictsFor } = await judged({ authentication: failing('reject', 'temperror') }, pass);
  expect(verdictsFor(organizations[0] as OrganizationId)?.junk).toBeUndefined();
});
