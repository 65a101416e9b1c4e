import { onTestFinished } from 'vitest';
import type { Store } from '../store.ts';
import { testFolder } from '../store-fixtures.ts';
import { type StoreUnderTest, storeSuite } from '../store-suite.ts';
import { storeQueueSuite } from '../store-suite-queues.ts';
import { openLevelStore } from './open.ts';

const onFatal = (error: unknown) => {
  throw error;
};

async function openTemporary(path: string): Promise<Store> {
  const store = await openLevelStore(path, { onFatal, writeBufferSize: 4 * 1024 * 1024 });
  onTestFinished(() => store.close());
  return store;
}

async function openUnderTest(): Promise<StoreUnderTest> {
  const path = await testFolder();
  const store = await openTemporary(path);
  return {
    store,
    reopen: async () => {
      await store.close();
      return openTemporary(path);
    },
    openBackup: openTemporary,
  };
}

storeSuite('LevelDB', openUnderTest);
storeQueueSuite('LevelDB', openUnderTest);
