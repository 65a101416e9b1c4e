import { expect, test } from 'vitest';
import { systemOutside } from './outside.ts';

test('a delay of months is not taken for none', async () => {
  let isCalled = false;
  const cancel = systemOutside.clock.after(90 * 86_400_000, () => {
    isCalled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  cancel();
  expect(isCalled).toBe(false);
});
