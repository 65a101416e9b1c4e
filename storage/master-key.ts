import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { constants, type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

const KEY_BYTES = 32;

/** Why the master key cannot be used. */
type MasterKeyErrorCode = 'missing' | 'unreadable' | 'wrong-size' | 'open-to-others' | 'wrong';

/** The master key file cannot be used; the message says what to do about it. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError';
  readonly code: MasterKeyErrorCode;

  constructor(code: MasterKeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Loads the master key: 32 random bytes in a file of mode 0600. With `create`, which is right only on the first start
 * of an empty data directory, a missing file is made, and is durable when this resolves. Throws MasterKeyError.
 */
export async function loadMasterKey(path: string, options: { readonly create: boolean }): Promise<KeyObject> {
  try {
    return await readKey(path);
  } catch (error) {
    if (!(options.create && error instanceof MasterKeyError && error.code === 'missing')) throw error;
  }
  await writeNewKey(path);
  return readKey(path);
}

async function readKey(path: string): Promise<KeyObject> {
  const file = await openToRead(path);
  try {
    const { size, mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new MasterKeyError(
        'open-to-others',
        `${path} may be read by other users of this machine; set its mode to 0600 (chmod 600)`,
      );
    }
    const bytes = Buffer.alloc(KEY_BYTES);
    const { bytesRead } = await file.read(bytes, 0, KEY_BYTES, 0);
    if (size !== KEY_BYTES || bytesRead !== KEY_BYTES) {
      throw new MasterKeyError(
        'wrong-size',
        `${path} has ${size} bytes, a master key has ${KEY_BYTES}; restore it from a backup`,
      );
    }
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  } catch (error) {
    throw error instanceof MasterKeyError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      const message = `${path} is missing; without it nothing stored can be read: restore it from a backup`;
      throw new MasterKeyError('missing', message, { cause: error });
    }
    throw unreadable(path, error);
  }
}

/** Written beside and then linked: the file is complete as soon as it has its name, and an existing key is kept. */
async function writeNewKey(path: string): Promise<void> {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    const bytes = randomBytes(KEY_BYTES);
    await file.writeFile(bytes);
    bytes.fill(0);
    await file.sync();
  } finally {
    await file.close();
  }
  await link(draft, path);
  await rm(draft);
  const directory = await open(dirname(path), constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unreadable(path: string, cause: unknown): MasterKeyError {
  return new MasterKeyError('unreadable', `${path} cannot be read; check its owner and mode`, { cause });
}
