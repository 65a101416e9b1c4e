import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

test('DMARC is enforced until an organisation says otherwise, each for itself', async () => {
  const { admin, organization: OrganizationId } = await startServer();
  const other = await admin('CreateOrganization', { Alias: 'other' });
  const enforced = async (of: unknown = OrganizationId) =>
    (await admin('DescribeInboundDmarcSettings', { OrganizationId: of }))['Enforced'];
  expect(await enforced()).toBe(true);
  for (let n = 0; n < 2; n++) {
    expect(await admin('PutInboundDmarcSettings', { OrganizationId, Enforced: false })).toEqual({});
    expect(await enforced()).toBe(false);
  }
  expect(await enforced(other['OrganizationId'])).toBe(true);
  await admin('PutInboundDmarcSettings', { OrganizationId, Enforced: true });
  expect(await enforced()).toBe(true);
});

test.each<[object, string]>([
  [{ OrganizationId: `m-${'0'.repeat(32)}`, Enforced: true }, 'OrganizationNotFoundException'],
  [{ OrganizationId: '../x', Enforced: true }, 'InvalidParameterException'],
  [{}, 'InvalidParameterException'],
  [{ Enforced: 'yes' }, 'SerializationException'],
])('%j is refused', async (input, name) => {
  const { admin, organization } = await startServer();
  const given = { OrganizationId: organization, ...input };
  await expect(admin('PutInboundDmarcSettings', given)).rejects.toMatchObject({ name });
});
