import { expect, test } from 'vitest';
import type { FolderId } from '#domain/ids';
import type { Clock } from '#domain/outside';
import { waitForNews } from './wait-for-news.ts';

const inbox = 1 as FolderId;
const sent = 4 as FolderId;

/** A mailbox and a clock that do what the test says. */
function world(check: (folder: FolderId | undefined) => Promise<boolean>) {
  const watchers = new Set<(folder: FolderId | undefined) => void>();
  const timers = new Set<() => void>();
  const controller = new AbortController();
  const looked: (FolderId | undefined)[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (_delayMs, callback) => {
      timers.add(callback);
      return () => timers.delete(callback);
    },
  };
  const mailbox = {
    watch: (watcher: (folder: FolderId | undefined) => void) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
  const news = waitForNews({
    mailbox,
    folders: [inbox, sent],
    clock,
    signal: controller.signal,
    timeoutMs: 1000,
    check: (folder) => {
      looked.push(folder);
      return check(folder);
    },
  });
  const touch = (folder: FolderId | undefined) => {
    for (const watcher of watchers) watcher(folder);
  };
  const expire = () => {
    for (const timer of timers) timer();
  };
  return { news, looked, touch, expire, controller, left: () => watchers.size + timers.size };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what came before it is found at once, the folder tree first', async () => {
  expect(await world(async (folder) => folder !== sent).news).toBe('hierarchy');
  expect(await world(async (folder) => folder === sent).news).toEqual([sent]);
});

test('a change while it looks is not lost', async () => {
  let isThere = false;
  const { news, touch } = world(async (folder) => {
    const seen = isThere;
    await turn();
    if (folder === inbox && !isThere) {
      isThere = true;
      touch(inbox);
    }
    return seen && folder === inbox;
  });
  expect(await news).toEqual([inbox]);
});

test('it looks only at what was touched and listed, and leaves nothing behind', async () => {
  let isThere = false;
  const { news, looked, touch, left } = world(async (folder) => isThere && folder === sent);
  await turn();
  expect(looked).toEqual([inbox, sent, undefined]);
  touch(9 as FolderId);
  touch(inbox);
  await turn();
  expect(looked.slice(3)).toEqual([inbox]);
  isThere = true;
  touch(sent);
  expect(await news).toEqual([sent]);
  expect(left()).toBe(0);
});

test.each(['expire', 'abort'])('%s ends it without news', async (how) => {
  const { news, expire, controller, left } = world(async () => false);
  await turn();
  if (how === 'expire') expire();
  else controller.abort('superseded');
  expect(await news).toBe('none');
  expect(left()).toBe(0);
});

test('a check that fails fails the wait, and leaves nothing behind', async () => {
  const { news, left } = world(() => Promise.reject(new Error('no store')));
  await expect(news).rejects.toThrow('no store');
  expect(left()).toBe(0);
});
