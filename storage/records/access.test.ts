import { expect, test } from 'vitest';
import { accessKeyCodec } from './access.ts';
import { pack } from './packed.ts';

test('an access key of a version without bounds is read, and what came since is kept', () => {
  const row = ['AKIAX', null, 'k', 'secret', { managed: 'AmazonWorkMailFullAccess' }, 1, null];
  const key = accessKeyCodec.decode(pack(row), 1);
  expect(key).toMatchObject({ id: 'AKIAX', within: [], createdMs: 1, lastUsedMs: undefined });
  const bounded = { ...key, within: [{ document: '{}' }] };
  expect(accessKeyCodec.decode(accessKeyCodec.encode(bounded), 1)).toEqual(bounded);
});
