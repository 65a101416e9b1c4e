import { expect, test } from 'vitest';
import { emptyRecipientCache, type RecipientCache, rememberRecipients } from './recipient-cache.ts';

const hourMs = 3_600_000;
const mailbox = (address: string, name = '') => ({ address, name });

/** A cache that messages are sent past; `puts` counts how often it was written. */
function remembering() {
  let cache: RecipientCache = emptyRecipientCache;
  let puts = 0;
  const tx = {
    recipientCache: async () => cache,
    putRecipientCache: (next: RecipientCache) => {
      cache = next;
      puts++;
    },
  };
  return {
    write: (to: ReturnType<typeof mailbox>[], atMs = 0) =>
      rememberRecipients(tx, { to, cc: [], bcc: [] }, atMs),
    cache: () => cache,
    puts: () => puts,
  };
}

test('an address stands there once, by its last name, in any case', async () => {
  const { write, cache } = remembering();
  await write([mailbox('Bob@example.test', 'Bob'), mailbox('bob@EXAMPLE.test', 'again')]);
  await write([mailbox('bob@example.test')], hourMs);
  expect(cache().recipients).toEqual([{ id: 2, address: 'bob@example.test', name: 'Bob', rank: 1 }]);
});

test('writing to somebody twice in an hour changes nothing, and writes nothing', async () => {
  const { write, cache, puts } = remembering();
  await write([mailbox('bob@example.test')]);
  await write([mailbox('bob@example.test')], hourMs - 1);
  expect([puts(), cache().recipients.map(({ id }) => id)]).toEqual([1, [1]]);
});

test('what is no address is not remembered', async () => {
  const { write, puts } = remembering();
  await write([mailbox('undisclosed-recipients'), mailbox(''), mailbox(`${'a'.repeat(250)}@x.test`)]);
  expect(puts()).toBe(0);
});

test('the cache stays within 16 KiB, the latest first', async () => {
  const { write, cache } = remembering();
  for (let n = 0; n < 120; n++) await write([mailbox(`${n}${'a'.repeat(200)}@x.test`, 'ü'.repeat(500))], n);
  const { recipients } = cache();
  expect(Buffer.byteLength(JSON.stringify(recipients))).toBeLessThan(24 * 1024);
  expect(recipients.length).toBeGreaterThan(40);
  expect(recipients[0]?.address).toMatch(/^119a/);
});
