/** A real Postfix (Debian's package) as a peer: an instance of its own in a folder of its own, on loopback, with its own queue. */
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostfixOptions {
  /** Its name in EHLO and Received. */
  readonly hostname?: string;
  /** Domains whose mail it keeps, whatever the address. */
  readonly domains?: readonly string[];
  /** Parameters of main.cf beside or in place of ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A message that Postfix has delivered. */
interface KeptMail {
  /** Whom it was for. */
  readonly to: string;
  /** The message as it stands in the maildir, one character a byte. */
  readonly raw: string;
}

/** A running Postfix. */
export interface Postfix {
  /** host:port of its SMTP server; whoever connects from this machine may relay. */
  readonly address: string;
  readonly port: number;
  /** What it has delivered. */
  kept(): Promise<readonly KeptMail[]>;
  /**
   * The queue ids of what it has taken, by its log so far, and not removed from its queue since: postqueue passes over a message
   * that changes from one of its folders to another meanwhile.
   */
  queued(): Promise<readonly string[]>;
  /** Its log so far. */
  log(): Promise<string>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

/** Why no Postfix can be started here; undefined if one can. */
export async function postfixMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'Postfix is started as root only';
  return (await ownerOf('postfix')) === undefined ? 'the package postfix is not installed' : undefined;
}

/** Starts one in `folder`, which is absent before. Rejects if the machine has none, or we may not start it. */
export async function startPostfix(folder: string, options: PostfixOptions = {}): Promise<Postfix> {
  const owner = await ownerOf('postfix');
  if (owner === undefined) throw new Error('the package postfix is not installed');
  const port = await freePort();
  const conf = join(folder, 'conf');
  for (const name of ['', 'conf', 'queue', 'data', 'mail']) await mkdir(join(folder, name), { mode: 0o755 });
  for (const name of ['data', 'mail']) await chown(join(folder, name), owner.uid, owner.gid);
  await writeFile(join(conf, 'main.cf'), mainCf(folder, owner, options));
  await writeFile(join(conf, 'master.cf'), masterCf(port));
  const postfix = (command: string) => run('postfix', ['-c', conf, command]);
  await postfix('start');
  return {
    address: `127.0.0.1:${port}`,
    port,
    kept: () => keptIn(join(folder, 'mail', 'all', 'new')),
    queued: async () => {
      const log = await readFile(join(folder, 'log'), 'utf8');
      const idsIn = (line: RegExp) => [...log.matchAll(line)].map(([, id]) => id ?? '');
      const removed = new Set(idsIn(/qmgr\[\d+\]: (\w+): removed$/gm));
      return idsIn(/cleanup\[\d+\]: (\w+): message-id=/g).filter((id) => !removed.has(id));
    },
    log: () => readFile(join(folder, 'log'), 'utf8'),
    stop: async () => {
      await postfix('stop');
      await chmod(folder, 0o700);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

async function ownerOf(user: string): Promise<Owner | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, user])));
    await run('postconf', ['-d', 'mail_version']);
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return undefined;
  }
}

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function keptIn(folder: string): Promise<readonly KeptMail[]> {
  const files = await readdir(folder).catch(() => []);
  return Promise.all(
    files.sort().map(async (file) => {
      const raw = await readFile(join(folder, file), 'latin1');
      return { to: /^Delivered-To: (.*)$/m.exec(raw)?.[1] ?? '', raw };
    }),
  );
}

/** Stock settings but for where things are, who may relay, and limits that would measure Postfix's caution only. */
function mainCf(
  folder: string,
  { uid, gid }: Owner,
  { hostname, domains, settings }: PostfixOptions,
): string {
  const parameters = {
    compatibility_level: '3.6',
    queue_directory: `${folder}/queue`,
    data_directory: `${folder}/data`,
    maillog_file: `${folder}/log`,
    maillog_file_prefixes: folder,
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    myhostname: hostname ?? 'mx.postfix.example',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    mydestination: '',
    alias_maps: '',
    virtual_mailbox_domains: (domains ?? ['postfix.example']).join(' '),
    virtual_mailbox_maps: 'static:all/',
    virtual_mailbox_base: `${folder}/mail`,
    virtual_minimum_uid: '1',
    virtual_uid_maps: `static:${uid}`,
    virtual_gid_maps: `static:${gid}`,
    virtual_mailbox_limit: '0',
    message_size_limit: '40000000',
    smtpd_client_connection_count_limit: '0',
    smtpd_peername_lookup: 'no',
    ...settings,
  };
  return Object.entries(parameters)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}

/** No service in a chroot. */
function masterCf(port: number): string {
  return [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'postlog   unix-dgram n - n - 1 postlogd',
    'pickup    unix n - n 60 1 pickup',
    'cleanup   unix n - n - 0 cleanup',
    'qmgr      unix n - n 1 1 qmgr',
    'rewrite   unix - - n - - trivial-rewrite',
    'bounce    unix - - n - 0 bounce',
    'defer     unix - - n - 0 bounce',
    'trace     unix - - n - 0 bounce',
    'verify    unix - - n - 1 verify',
    'flush     unix n - n 1000? 0 flush',
    'showq     unix n - n - - showq',
    'proxymap  unix - - n - - proxymap',
    'smtp      unix - - n - - smtp',
    'error     unix - - n - - error',
    'retry     unix - - n - - error',
    'discard   unix - - n - - discard',
    'virtual   unix - n n - - virtual',
    'anvil     unix - - n - 1 anvil',
    'scache    unix - - n - 1 scache',
    'tlsmgr    unix - - n 1000? 1 tlsmgr',
    '',
  ].join('\n');
}
