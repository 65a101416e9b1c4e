/**
 * A copy of the live database: tables never change and are linked, the logs are copied up to where they are.
 * If CURRENT and the MANIFEST are the same before and after, the copy is a prefix of the history.
 */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupInfo } from '../store.ts';

/** A try takes a few milliseconds; compactions that change the MANIFEST are seconds apart. */
const maxTries = 100;

/** Copies the database in the folder `from` into the new or empty folder `to`. */
export async function copyLive(from: string, to: string): Promise<BackupInfo> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if ((await readdir(to)).length > 0) {
    throw new Error('a backup needs a new or empty folder');
  }
  for (let tries = 0; tries < maxTries; tries++) {
    const info = await tryCopy(from, to);
    if (info) {
      return info;
    }
    await Promise.all((await readdir(to)).map((name) => rm(join(to, name))));
  }
  throw new Error(`the database changed its tables during each of ${maxTries} tries to copy it`);
}

/** One try; undefined if the database changed its tables meanwhile. */
async function tryCopy(from: string, to: string): Promise<BackupInfo | undefined> {
  const before = await manifestOf(from);
  const names = await readdir(from);
  try {
    const tables = names.filter((name) => /\.(ldb|sst)$/.test(name));
    await Promise.all(tables.map((name) => linkOrCopy(join(from, name), join(to, name))));
    // In order: when a younger log exists, the older one is complete.
    for (const name of names.filter((log) => log.endsWith('.log')).sort(byNumber)) {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_EXCL);
    }
  } catch (error) {
    // LevelDB has deleted a file that it listed a moment ago.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
  const manifest = await readFile(join(from, before.name));
  await writeFile(join(to, before.name), manifest.subarray(0, before.size));
  await writeFile(join(to, 'CURRENT'), before.current);
  const after = await manifestOf(from);
  if (after.current !== before.current || after.size !== before.size) {
    return undefined;
  }
  return sync(to);
}

async function manifestOf(folder: string): Promise<{ current: string; name: string; size: number }> {
  const current = await readFile(join(folder, 'CURRENT'), 'latin1');
  const name = current.trim();
  return { current, name, size: (await stat(join(folder, name))).size };
}

/** A hard link, or a copy where the other folder is on another file system. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) {
      throw error;
    }
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
}

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10);
}

/** Brings every file of the folder, and the folder itself, to disk. */
async function sync(folder: string): Promise<BackupInfo> {
  const names = await readdir(folder);
  let bytes = 0;
  for (const path of [...names.map((name) => join(folder, name)), folder]) {
    await using file = await open(path, 'r');
    await file.sync();
    bytes += path === folder ? 0 : (await file.stat()).size;
  }
  return { files: names.length, bytes };
}
