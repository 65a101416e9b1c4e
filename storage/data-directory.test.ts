import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '#test/support/temp-store';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { StoreDamagedError } from './leveldb/errors.ts';
import { openLevelStore } from './leveldb/open.ts';
import { MasterKeyError } from './master-key.ts';

function open(folder: string): Promise<Database> {
  const options: DatabaseOptions = {
    folder,
    inlineBodyBytes: 32_768,
    now: () => 0,
    onFatal: (error) => {
      throw error;
    },
  };
  return openDatabase(options);
}

/** A data directory that was in use. */
async function usedFolder(): Promise<string> {
  const folder = join(await tempFolder(), 'data');
  await (await open(folder)).close();
  return folder;
}

test('a master key whose store is gone is refused, and nothing is made in its place', async () => {
  const folder = await usedFolder();
  await rename(join(folder, 'store'), join(folder, '..', 'elsewhere'));
  await expect(open(folder)).rejects.toThrow(StoreDamagedError);
  await mkdir(join(folder, 'store'));
  await expect(open(folder)).rejects.toThrow('no store at');
  expect(await readdir(join(folder, 'store'))).toEqual([]);
});

test('a first start that was cut short before it had a master key is gone on with', async () => {
  const locked = join(await tempFolder(), 'data');
  await mkdir(join(locked, 'store'), { recursive: true });
  await writeFile(join(locked, 'store', 'LOCK'), '');
  const keyless = join(await tempFolder(), 'data');
  await mkdir(keyless);
  await (await openLevelStore(join(keyless, 'store'), { onFatal: () => {} })).close();
  for (const folder of [locked, keyless]) {
    await (await open(folder)).close();
    await (await open(folder)).close();
  }
});

test('a store that holds keys gets no new master key', async () => {
  const folder = await usedFolder();
  await rm(join(folder, 'master.key'));
  await expect(open(folder)).rejects.toThrow(MasterKeyError);
});

test("another store's master key is refused as one", async () => {
  const [folder, other] = [await usedFolder(), await usedFolder()];
  await copyFile(join(other, 'master.key'), join(folder, 'master.key'));
  await expect(open(folder)).rejects.toThrow(MasterKeyError);
  await expect(open(folder)).rejects.toThrow('does not open this store');
});
