import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { dayMs, openMaintained } from '#test/support/maintenance';
import { StoredAudit } from './audit-store.ts';

test('calls of the admin API are forgotten after 90 days, those of an organisation and of none', async () => {
  const { clock, database, organization, run } = await openMaintained();
  const audit = new StoredAudit(database);
  const call = (of: OrganizationId | undefined) =>
    audit.putAuditEvent(
      {
        atMs: clock.now(),
        requestId: randomUUID(),
        operation: 'WorkMailService.ListUsers',
        organization: of,
        caller: { kind: 'socket' },
        sourceAddress: undefined,
        userAgent: undefined,
        input: '{}',
        outcome: 'Success',
        message: undefined,
      },
      'now',
    );
  const kept = async (of: OrganizationId | undefined) => {
    const all = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
    return (await audit.auditEvents(of, all, undefined, 100)).rows.length;
  };
  for (const of of [organization, undefined]) await call(of);
  await run(dayMs);
  for (const of of [organization, undefined]) await call(of);
  await run(89 * dayMs);
  expect([await kept(organization), await kept(undefined)]).toEqual([2, 2]);
  await run(dayMs);
  expect([await kept(organization), await kept(undefined)]).toEqual([1, 1]);
});
