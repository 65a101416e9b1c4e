import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A Postfix for comparison: stock settings, one virtual mailbox in maildir form, listening on loopback. */
export interface Postfix {
  /** host:port */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts one in `folder` (absent before); undefined if the machine has none, or we may not start it. */
export async function startPostfix(folder: string): Promise<Postfix | undefined> {
  const owner = await ownerOf('postfix');
  if (owner === undefined || process.getuid?.() !== 0) return undefined;
  const port = await freePort();
  for (const name of ['', 'conf', 'queue', 'data', 'mail']) await mkdir(join(folder, name), { mode: 0o755 });
  for (const name of ['data', 'mail']) await chown(join(folder, name), owner.uid, owner.gid);
  await writeFile(join(folder, 'conf', 'main.cf'), mainCf(folder, owner));
  await writeFile(join(folder, 'conf', 'master.cf'), masterCf(port));
  const postfix = (command: string) => run('postfix', ['-c', join(folder, 'conf'), command]);
  await postfix('start');
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      await postfix('stop');
      await chmod(folder, 0o700);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ownerOf(user: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, user])));
    await run('postconf', ['-d', 'mail_version']);
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
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

function mainCf(folder: string, { uid, gid }: { uid: number; gid: number }): string {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${folder}/queue`,
    `data_directory = ${folder}/data`,
    `maillog_file = ${folder}/log`,
    `maillog_file_prefixes = ${folder}`,
    'mail_owner = postfix',
    'setgid_group = postdrop',
    'myhostname = mx.bench.example',
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'mynetworks = 192.0.2.0/32',
    'mydestination =',
    'alias_maps =',
    'virtual_mailbox_domains = bench.example',
    'virtual_mailbox_maps = static:bob/',
    `virtual_mailbox_base = ${folder}/mail`,
    `virtual_minimum_uid = 1`,
    `virtual_uid_maps = static:${uid}`,
    `virtual_gid_maps = static:${gid}`,
    'message_size_limit = 30000000',
    // As many sessions as we allow ourselves.
    'smtpd_client_connection_count_limit = 0',
    'smtpd_peername_lookup = no',
    '',
  ].join('\n');
}

function masterCf(port: number): string {
  return [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'postlog   unix-dgram n - n - 1 postlogd',
    'pickup    unix n - n 60 1 pickup',
    'cleanup   unix n - n - 0 cleanup',
    'qmgr      unix n - n 300 1 qmgr',
    'rewrite   unix - - n - - trivial-rewrite',
    'bounce    unix - - n - 0 bounce',
    'defer     unix - - n - 0 bounce',
    'trace     unix - - n - 0 bounce',
    'verify    unix - - n - 1 verify',
    'flush     unix n - n 1000? 0 flush',
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
