import { expect, test } from 'vitest';
import type { OutboundMail } from './outbound.ts';
import { OutboundQueue } from './outbound-queue.ts';
import type { OutboundStore } from './ports.ts';

type Answer = Awaited<ReturnType<OutboundStore['claim']>>;

/** A queue whose store gives what the test gives; the rest is not there. */
function start() {
  const asked: PromiseWithResolvers<Answer>[] = [];
  const store: Pick<OutboundStore, 'claim'> = {
    claim: () => {
      const answer = Promise.withResolvers<Answer>();
      asked.push(answer);
      return answer.promise;
    },
  };
  const parts = { queue: store, outside: { clock: { now: () => 10 } } };
  const queue = new OutboundQueue(parts as ConstructorParameters<typeof OutboundQueue>[0]);
  const answer = async (n: number, ids: readonly string[]) => {
    await expect.poll(() => asked.length).toBe(n + 1);
    asked[n]?.resolve({ mails: ids.map((id) => ({ id }) as OutboundMail), nextDueMs: undefined });
  };
  const claim = () => queue.claim('one.example');
  return { claim, claimed: async () => (await claim()).mail?.id, answer };
}

test('who comes while another session is being told that there is nothing asks once more: a mail may have come in between', async () => {
  const { claimed, answer } = start();
  const sessions = [claimed(), claimed(), claimed()];
  await answer(0, []);
  await answer(1, ['a', 'b', 'c']);
  expect(await Promise.all(sessions)).toEqual([undefined, 'a', 'b']);
  // Nothing of what was given is forgotten.
  expect(await claimed()).toBe('c');
});

test('sessions that ask at once share what one of them is given', async () => {
  const { claimed, answer } = start();
  const sessions = [claimed(), claimed()];
  await answer(0, ['a', 'b']);
  expect(await Promise.all(sessions)).toEqual(['a', 'b']);
});

test('when the next mail is due is told as of now: who takes what was claimed before is to look again', async () => {
  const { claim, answer } = start();
  const [first] = await Promise.all([claim(), answer(0, ['a', 'b'])]);
  expect(first).toMatchObject({ mail: { id: 'a' }, nextDueMs: 10 });
  expect(await claim()).toMatchObject({ mail: { id: 'b' }, nextDueMs: 10 });
  const [last] = await Promise.all([claim(), answer(1, ['c'])]);
  expect(last).toMatchObject({ mail: { id: 'c' }, nextDueMs: undefined });
});
