import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMasterKey } from './master-key.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailstead-key-'));
  path = join(folder, 'master.key');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const failure = (code: string) => expect.objectContaining({ name: 'MasterKeyError', code });

describe('loadMasterKey', () => {
  it('makes the key once, for its owner only, and loads the same one after', async () => {
    const made = await loadMasterKey(path, { create: true });
    const { size, mode } = await stat(path);
    expect([size, mode & 0o777]).toEqual([32, 0o600]);
    expect(await readdir(folder)).toEqual(['master.key']);
    expect((await loadMasterKey(path, { create: false })).equals(made)).toBe(true);
    expect((await loadMasterKey(path, { create: true })).equals(made)).toBe(true);
    expect(made.export().equals(await readFile(path))).toBe(true);
  });

  it('does not make a key for a data directory that is in use', async () => {
    await expect(loadMasterKey(path, { create: false })).rejects.toThrow(failure('missing'));
    expect(await readdir(folder)).toEqual([]);
  });

  it('a draft left by a crash is replaced', async () => {
    await writeFile(`${path}.new`, 'half');
    await loadMasterKey(path, { create: true });
    expect(await readdir(folder)).toEqual(['master.key']);
  });

  it.each([0, 31, 33])('refuses a file of %i bytes and leaves it alone', async (size) => {
    const bytes = randomBytes(size);
    await writeFile(path, bytes, { mode: 0o600 });
    await expect(loadMasterKey(path, { create: true })).rejects.toThrow(failure('wrong-size'));
    expect(bytes.equals(await readFile(path))).toBe(true);
  });

  it.each([0o640, 0o604, 0o620, 0o601])('refuses mode %o', async (mode) => {
    await writeFile(path, randomBytes(32));
    await chmod(path, mode);
    await expect(loadMasterKey(path, { create: false })).rejects.toThrow(failure('open-to-others'));
  });

  it('accepts a key that its owner may only read', async () => {
    await writeFile(path, randomBytes(32), { mode: 0o400 });
    await expect(loadMasterKey(path, { create: false })).resolves.toBeDefined();
  });

  it('refuses what is no file', async () => {
    await mkdir(path, { mode: 0o700 });
    await expect(loadMasterKey(path, { create: true })).rejects.toThrow(failure('unreadable'));
    await expect(loadMasterKey(join(folder, 'master.key', 'x\0'), { create: true })).rejects.toThrow(
      failure('unreadable'),
    );
  });
});
