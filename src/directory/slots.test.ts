import { expect, it } from 'vitest';
import { Slots } from './slots.ts';

it('gives turns in order, no more at a time than there are slots', async () => {
  const slots = new Slots(2, 10);
  const begun: number[] = [];
  const turns = [0, 1, 2, 3].map((n) =>
    slots.take().then((giveBack) => {
      begun.push(n);
      return giveBack;
    }),
  );
  const first = await turns[0];
  await turns[1];
  expect(begun).toEqual([0, 1]);
  first?.();
  const third = await turns[2];
  expect(begun).toEqual([0, 1, 2]);
  third?.();
  await turns[3];
  expect(begun).toEqual([0, 1, 2, 3]);
});

it('refuses whoever would wait behind too many', async () => {
  const slots = new Slots(1, 1);
  const giveBack = await slots.take();
  const waiting = slots.take();
  await expect(slots.take()).rejects.toMatchObject({ name: 'DomainError', code: 'server/busy' });
  giveBack();
  (await waiting)();
  await slots.take();
});
