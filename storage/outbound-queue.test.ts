import { expect, test } from 'vitest';
import { outboundMails } from '#domain/outbound';
import { tempDatabase, tempMailbox, tempOrganization } from '#test/support/temp-store';

async function start() {
  const database = await tempDatabase();
  const organization = tempOrganization(database);
  const { mail: store } = database;
  const put = async (address: string, acceptedMs: number) => {
    const raw = Buffer.from('Subject: x\r\n\r\n');
    const mails = outboundMails(
      { organization, kind: 'mail', reversePath: 'alice@ours.example', recipients: [{ address }] },
      {
        acceptId: `${address} ${acceptedMs}`,
        acceptedMs,
        size: raw.length,
        skip: 0,
        is8bit: false,
        isAuthenticated: true,
        body: { kind: 'inline', raw },
      },
    );
    await store.transact(
      [],
      async (_of, outbound) => void (await outbound.put(mails[0] ?? fail())),
      [],
      mails,
    );
  };
  const claim = (destination: string, owner: string, nowMs: number) =>
    store.outbound.claim(destination, { nowMs, owner });
  /** A claim is on disk with the next commit that somebody waits for, and a start reads what is on disk. */
  const commit = () => tempMailbox(database, organization);
  return { queue: store.outbound, store, put, claim, commit };
}

function fail(): never {
  throw new Error('no mail');
}

test('a start finds the first due mail of every destination', async () => {
  const { queue, put } = await start();
  for (const at of [30, 10, 20])
    for (const domain of ['a.example', 'b.example', 'c.example']) await put(`x@${domain}`, at);
  const found = await queue.recover('me', 50);
  expect(found.toSorted((a, b) => (a.destination < b.destination ? -1 : 1))).toEqual([
    { destination: 'a.example', dueMs: 10 },
    { destination: 'b.example', dueMs: 10 },
    { destination: 'c.example', dueMs: 10 },
  ]);
});

test('what an earlier life held is due at once, what this one holds is not, and nothing is given twice', async () => {
  const { queue, put, claim, store, commit } = await start();
  await put('x@a.example', 10);
  await put('y@a.example', 20);
  await put('z@b.example', 30);
  const [held] = (await claim('a.example', 'before', 10)).mails;
  const [ours] = (await claim('b.example', 'me', 40)).mails;
  expect(held?.recipients[0]?.address).toBe('x@a.example');
  await commit();
  const found = await queue.recover('me', 50);
  expect(found.toSorted((a, b) => (a.destination < b.destination ? -1 : 1))).toEqual([
    { destination: 'a.example', dueMs: 20 },
  ]);
  const taken = (await claim('a.example', 'me', 60)).mails.map(({ recipients }) => recipients[0]?.address);
  expect(taken).toEqual(['y@a.example', 'x@a.example']);
  expect((await claim('a.example', 'me', 60)).mails).toEqual([]);
  // What is done is gone for good.
  if (ours !== undefined)
    await store.transact([], (_of, outbound) => outbound.replace(ours, undefined), [], [ours]);
  expect((await queue.recover('after', 70)).map(({ destination }) => destination)).toEqual(['a.example']);
});

test('a mail that is given back is due again at its time, and nobody is given a mail twice', async () => {
  const { queue, put, claim } = await start();
  for (let n = 0; n < 20; n++) await put(`x${n}@a.example`, 10 + n);
  const first = await claim('a.example', 'me', 50);
  expect(first).toMatchObject({ mails: { length: 16 }, nextDueMs: 26 });
  const second = await claim('a.example', 'me', 50);
  expect(second.mails.map(({ recipients }) => recipients[0]?.address)).toEqual(
    [16, 17, 18, 19].map((n) => `x${n}@a.example`),
  );
  expect(second.nextDueMs).toBeUndefined();
  const [one, other] = first.mails;
  if (one === undefined || other === undefined) throw new Error('nothing was claimed');
  expect(await queue.replace(one, { ...one, dueMs: 80 })).toBe(true);
  expect(await queue.replace(other, { ...other, dueMs: 70 })).toBe(true);
  expect(await claim('a.example', 'me', 60)).toEqual({ mails: [], nextDueMs: 70 });
  expect((await claim('a.example', 'me', 90)).mails.map(({ id }) => id)).toEqual([other.id, one.id]);
  expect(await queue.replace(one, undefined)).toBe(true);
  expect(await queue.replace(one, undefined)).toBe(false);
});
