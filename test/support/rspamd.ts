/** The real rspamd for one test: on loopback, without modules, network or knowledge, with a rule of our own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { tempFolder } from './temp-store.ts';

const program = 'rspamd';

/** What it refuses whatever else is set. */
export const gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';

/** Subjects and the score each gives. */
const rule = `
rspamd_config:register_symbol{
  name = 'SUBJECT_SCORE', type = 'normal', score = 1.0, group = 'test',
  callback = function(task)
    local score = string.match(task:get_subject() or '', '^score (%d+)$')
    if score then return true, tonumber(score) end
  end,
}
`;

/** Starts it; gives its URL. */
export async function startRspamd(): Promise<string> {
  const folder = await tempFolder();
  const port = await freePort();
  await writeFile(join(folder, 'rules.lua'), rule);
  await writeFile(join(folder, 'tlds'), 'example\n');
  await writeFile(
    join(folder, 'rspamd.conf'),
    `
options {
  tempdir = "${folder}"; pidfile = "${folder}/pid"; control_socket = "${folder}/control mode=0600";
  url_tld = "${folder}/tlds"; filters = "";
  dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
}
logging { type = "console"; level = "error"; }
actions { reject = 15; "add header" = 6; greylist = 4; }
group "test" { max_score = 100; }
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }
lua = "${folder}/rules.lua";
`,
  );
  const child = spawn(program, ['--insecure', '-f', '-c', join(folder, 'rspamd.conf')], { stdio: 'ignore' });
  const kill = () => void child.kill('SIGTERM');
  process.once('exit', kill);
  onTestFinished(async () => {
    process.removeListener('exit', kill);
    if (child.exitCode !== null) return;
    kill();
    await once(child, 'exit');
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isUp(url))) {
    if (child.exitCode !== null) throw new Error(`rspamd has ended with ${child.exitCode}`);
    await pause(50);
  }
  return url;
}

async function isUp(url: string): Promise<boolean> {
  return fetch(`${url}/ping`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
