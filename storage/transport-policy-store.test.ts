import { expect, test } from 'vitest';
import type { TransportPolicy } from '#domain/transport-policy';
import { tempDatabase } from '#test/support/temp-store';
import { StoredTransportPolicies } from './transport-policy-store.ts';

const policyUntil = (expiresMs: number): TransportPolicy => ({
  id: '1',
  mode: 'enforce',
  mx: ['mx.example', '*.mx.example'],
  fetchedMs: 1_000,
  expiresMs,
});

test('a policy is what was put last', async () => {
  const policies = new StoredTransportPolicies(await tempDatabase());
  expect(await policies.get('one.example')).toBeUndefined();
  await policies.put('one.example', policyUntil(1));
  await policies.put('one.example', policyUntil(2));
  expect(await policies.get('one.example')).toEqual(policyUntil(2));
  expect(await policies.get('two.example')).toBeUndefined();
});

test('those that have expired are removed, page by page, and no others', async () => {
  const policies = new StoredTransportPolicies(await tempDatabase());
  const names = Array.from({ length: 450 }, (_, n) => `d${n}.example`);
  await Promise.all(names.map((name, n) => policies.put(name, policyUntil(n % 3 === 0 ? 5_001 : 5_000))));
  await policies.removeExpired(5_000);
  const left = await Promise.all(names.map(async (name) => (await policies.get(name)) !== undefined));
  expect(left).toEqual(names.map((_, n) => n % 3 === 0));
});
