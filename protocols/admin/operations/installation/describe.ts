import { readdir, readFile } from 'node:fs/promises';

/** What the running server tells of itself. */
export interface InstallationFacts {
  readonly hostname: string;
  /** What clients are told. */
  readonly publicUrl: string;
  /** Every bound address by listener name. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** describeInstallation gives DescribeInstallation's answer; what this system does not tell of open files is left out. */
export async function describeInstallation(facts: InstallationFacts): Promise<object> {
  const [OpenFiles, OpenFilesLimit] = await Promise.all([openFiles(), openFilesLimit()]);
  return {
    Hostname: facts.hostname,
    PublicUrl: facts.publicUrl,
    Listeners: Object.entries(facts.addresses).map(([Name, Address]) => ({ Name, Address })),
    OpenFiles,
    OpenFilesLimit,
  };
}

async function openFiles(): Promise<number | undefined> {
  return readdir('/proc/self/fd').then(
    (names) => names.length,
    () => undefined,
  );
}

/** The soft limit; `unlimited` is no number either. */
async function openFilesLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}
