import { execFile } from 'node:child_process';
import { readdir, stat, statfs } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import type { Scene } from './scene.ts';

const gibibyte = 1024 ** 3;
const fewFiles = 4_096;
/** A clock that is so far behind what was written last was set back. */
const clockSlackMs = 120_000;

/** machineChecks look at the data directory, the disk, the key, open files and the clock. */
export function machineChecks(scene: Scene): readonly Check[] {
  const { dataDir } = scene.config;
  return [
    { name: 'data directory', run: async () => [await checkDirectory(dataDir)] },
    { name: 'disk', run: () => checkDisk(dataDir) },
    { name: 'master key', run: async () => [await checkKey(dataDir)] },
    { name: 'open files', run: async () => checkOpenFiles(scene) },
    { name: 'clock', run: (signal) => checkClock(dataDir, signal) },
  ];
}

async function checkDirectory(dataDir: string): Promise<Finding> {
  const name = 'data directory';
  const found = await stat(dataDir).catch(reasonOf);
  if (typeof found === 'string') {
    return fail(name, `${dataDir}: ${found}`, 'Name the right one with --data DIR or --config FILE.');
  }
  const mode = (found.mode & 0o777).toString(8);
  if ((found.mode & 0o077) !== 0) {
    return fail(name, `${dataDir} has mode ${mode}: others may look in`, `chmod 700 ${dataDir}`);
  }
  const { uid } = userInfo();
  if (found.uid !== uid && uid !== 0) {
    return fail(name, `${dataDir} belongs to uid ${found.uid}`, 'Run this as the user the server runs as.');
  }
  return ok(name, `${dataDir}, mode ${mode}`);
}

async function checkDisk(dataDir: string): Promise<readonly Finding[]> {
  const disk = await statfs(dataDir).catch(reasonOf);
  if (typeof disk === 'string')
    return [fail('disk', `${dataDir}: ${disk}`, 'Name the data directory with --data DIR.')];
  const { bavail, blocks, bsize, files, ffree } = disk;
  return [judgeSpace(bavail * bsize, blocks * bsize), ...judgeFiles(files, ffree)];
}

function judgeSpace(free: number, all: number): Finding {
  const text = `${(free / gibibyte).toFixed(1)} GiB of ${(all / gibibyte).toFixed(1)} GiB are free`;
  const advice = 'Make room, or move the data to a larger disk: on a full one no mail is taken.';
  if (free < gibibyte / 4) return fail('disk', text, advice);
  return free < 2 * gibibyte || free < all * 0.05 ? warn('disk', text, advice) : ok('disk', text);
}

/** Some file systems have no number of files. */
function judgeFiles(files: number, free: number): Finding[] {
  if (files === 0 || free > files * 0.05) return [];
  return [
    warn('disk', `only ${free} more files fit on it`, 'Remove files, or move the data to another disk.'),
  ];
}

async function checkKey(dataDir: string): Promise<Finding> {
  const name = 'master key';
  const file = join(dataDir, 'master.key');
  const found = await stat(file).catch(reasonOf);
  if (typeof found === 'string') {
    return fail(
      name,
      `${file}: ${found}`,
      'Put it back from where you keep it: without it nothing can be read.',
    );
  }
  const mode = (found.mode & 0o777).toString(8);
  if ((found.mode & 0o077) !== 0) return fail(name, `${file} has mode ${mode}`, `chmod 600 ${file}`);
  return ok(name, `${file}, mode ${mode}; keep a copy elsewhere`);
}

function checkOpenFiles({ outage, openFiles: { now, limit } }: Scene): readonly Finding[] {
  const name = 'open files';
  if (outage !== undefined || limit === undefined) return [];
  const text = `${now ?? '?'} of at most ${limit}`;
  if (limit >= fewFiles && (now ?? 0) < limit * 0.8) return [ok(name, text)];
  return [warn(name, text, 'Raise it: LimitNOFILE=65536 in the unit of systemd, or ulimit -n.')];
}

async function checkClock(dataDir: string, signal: AbortSignal): Promise<readonly Finding[]> {
  const now = Date.now();
  const newest = await newestIn(join(dataDir, 'store'));
  const text = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const advice = 'Let it follow a time server: timedatectl set-ntp true.';
  if (newest > now + clockSlackMs) {
    const written = new Date(newest).toISOString().slice(0, 19).replace('T', ' ');
    return [fail('clock', `${text}, but the store was written at ${written} UTC`, advice)];
  }
  const isSynchronized = await followsTimeServer(signal);
  if (isSynchronized === false) return [warn('clock', `${text}, and it follows no time server`, advice)];
  const more =
    isSynchronized === true
      ? 'it follows a time server'
      : 'whether it follows a time server is not known here';
  return [ok('clock', `${text}, ${more}`)];
}

async function newestIn(folder: string): Promise<number> {
  const names = await readdir(folder).catch((): string[] => []);
  const times = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...times);
}

/** Undefined where systemd does not tell, as in a container. */
async function followsTimeServer(signal: AbortSignal): Promise<boolean | undefined> {
  const args = ['show', '--property=NTPSynchronized', '--value'];
  const answer = await promisify(execFile)('timedatectl', args, { signal, timeout: 3_000 }).catch(
    () => undefined,
  );
  const text = answer?.stdout.trim();
  return text === 'yes' ? true : text === 'no' ? false : undefined;
}
