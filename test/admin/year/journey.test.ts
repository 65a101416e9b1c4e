/** An administrator's year over Amazon's client: https, Signature Version 4, its own command classes. */
import { expect, test } from 'vitest';
import { workMailModel } from '#test/support/answer-shapes';
import { createKey } from '#test/support/aws-client';
import { type ShownRecord, startZone } from '#test/support/published-zone';
import { startServer } from '#test/support/start-server';
import { fixedClock } from '#test/support/temp-store';
import { operationClient } from '#test/support/workmail-operations';
import { april, february, january, march, may } from './first-half.ts';
import { august, december, july, june, november, october, september } from './second-half.ts';
import type { Year } from './year.ts';

const dayMs = 24 * 60 * 60 * 1000;

async function start() {
  const zone = await startZone({});
  const clock = fixedClock(Date.now());
  const site = await startServer({ clock, settings: { MAILSTEAD_DNS_SERVERS: zone.server } });
  const key = await createKey(site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  const client = operationClient(site, key, clock.now);
  const { OrganizationId = '' } = await client.call('CreateOrganization', {
    Alias: 'Year',
    Domains: [{ DomainName: 'Year.Example' }],
  });
  expect(OrganizationId).toMatch(/^m-[0-9a-f]{32}$/);
  const year: Year = {
    call: client.call,
    admin: site.admin,
    publish: (records) => zone.publish(records as ShownRecord[]),
    now: () => new Date(clock.now()),
    pass: (days) => clock.move(days * dayMs),
    OrganizationId,
  };
  return { client, year };
}

test('a whole year: each operation of the model does what it says, and every answer is of its output’s shape', async () => {
  const { client, year } = await start();
  const { pass } = year;
  await january(year);
  pass(31);
  const people = await february(year);
  pass(28);
  const team = await march(year, people);
  pass(31);
  const room = await april(year, { ...people, team });
  pass(30);
  const staff = { ...people, team, room };
  await may(year, staff);
  pass(31);
  await june(year, staff.anna);
  pass(30);
  await july(year, staff.anna);
  pass(30);
  await august(year, staff);
  pass(31);
  await september(year);
  pass(30);
  await october(year, staff.anna);
  pass(31);
  await november(year, staff);
  pass(29);
  await december(year);
  expect(client.faults).toEqual([]);
  expect([...client.called].sort()).toEqual(Object.keys(workMailModel.operations).sort());
});
