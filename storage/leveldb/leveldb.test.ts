import { onTestFinished } from 'vitest';
import type { Store } from '../store.ts';
import { testFolder } from '../store-fixtures.ts';
import { storeSuite } from '../store-suite.ts';
import { openLevelStore } from './open.ts';

const onFatal = (error: unknown) => {
  throw error;
};

async function openTemporary(path: string): Promise<Store> {
  const store = await openLevelStore(path, { onFatal, writeBufferSize: 4 * 1024 * 1024 });
  onTestFinished(() => store.close());
  return store;
}

storeSuite('LevelDB', async () => {
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
});
