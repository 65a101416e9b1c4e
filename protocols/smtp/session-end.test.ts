import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { SessionEnd } from './session-end.ts';

const never = new Promise<never>(() => undefined);

test('what comes first is given: the result, the error, the end or its fault', async () => {
  const end = new SessionEnd();
  expect(await end.orEnd(Promise.resolve(1))).toBe(1);
  await expect(end.orEnd(Promise.reject(new Error('no')))).rejects.toThrow('no');
  const waiting = end.orEnd(never);
  end.come();
  end.come(new Error('late'));
  expect(await waiting).toBeUndefined();
  expect(await end.orEnd(never)).toBeUndefined();
  const failed = new SessionEnd();
  const told = failed.orEnd(never);
  failed.come(new Error('a fault'));
  await expect(told).rejects.toThrow('a fault');
  await expect(failed.orEnd(never)).rejects.toThrow('a fault');
});

test('what was waited for is not kept until the end', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const end = new SessionEnd();
  const results: WeakRef<object>[] = [];
  for (let n = 0; n < 100; n++) {
    const result = await end.orEnd(Promise.resolve({ bytes: new Uint8Array(10) }));
    results.push(new WeakRef(result ?? {}));
  }
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  expect(results.filter((result) => result.deref() !== undefined).length).toBeLessThan(10);
  end.come();
});
