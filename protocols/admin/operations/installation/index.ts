import { isAbsolute } from 'node:path';
import { DomainError } from '#domain/errors';
import type { AdminOperation } from '../../endpoint.ts';
import { requiredText } from '../input.ts';
import { describeInstallation, type InstallationFacts } from './describe.ts';

interface Parts {
  readonly facts: () => InstallationFacts;
  /** The full names of all operations that are served. */
  readonly operations: () => readonly string[];
  /** Copies the live data into the new folder; rejects with EEXIST when it is there. */
  readonly backup: (folder: string) => Promise<{ readonly files: number; readonly bytes: number }>;
}

/** installationOperations are the operations on the whole installation. */
export function installationOperations({
  facts,
  operations,
  backup,
}: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.DescribeInstallation': () => describeInstallation(facts()),
    'Mailstead.ListOperations': async () => ({ Operations: [...operations()].sort() }),
    'Mailstead.CreateBackup': async (input) => {
      const folder = requiredText(input, 'Folder');
      if (!isAbsolute(folder)) {
        throw new DomainError('request/invalid', 'Folder must be an absolute path.');
      }
      const { files, bytes } = await copied(backup, folder);
      return { Folder: folder, Files: files, Bytes: bytes };
    },
  };
}

const reasons: Readonly<Record<string, string>> = {
  EEXIST: 'The folder is there already: name a new one.',
  ENOENT: 'The folder to make it in does not exist.',
  EACCES: 'The server may not write there.',
  EROFS: 'The file system is read-only.',
  EXDEV: 'Large bodies are linked, not copied: choose a folder on the file system of the data directory.',
  ENOSPC: 'There is no space left.',
};

/** What the system refuses becomes the caller's error. */
async function copied(backup: Parts['backup'], folder: string): ReturnType<Parts['backup']> {
  try {
    return await backup(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = reasons[code];
    throw reason === undefined ? error : new DomainError('request/invalid', reason, { cause: error });
  }
}
