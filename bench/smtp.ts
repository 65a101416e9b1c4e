/**
 * Durable messages a second over SMTP, ours beside Postfix in turns of one run; both are driven by smtp-source (Debian's
 * postfix package; run as root for the comparison). Then what 64 messages of 20 MB at once cost in memory.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Postfix, postfixMissing, startPostfix } from '#test/support/postfix';
import { type SmtpProcess, startSmtpProcess } from '#test/support/smtp-process';

const rounds = 3;
const loads: readonly Load[] = [
  { sessions: 1, bytes: 4_096, messages: 1_000 },
  { sessions: 10, bytes: 4_096, messages: 3_000 },
  { sessions: 50, bytes: 4_096, messages: 6_000 },
  { sessions: 10, bytes: 5_000_000, messages: 60 },
];

interface Load {
  readonly sessions: number;
  readonly bytes: number;
  readonly messages: number;
}

/** Sends messages and gives how many a second were answered with 250. */
async function drive(address: string, { sessions, bytes, messages }: Load): Promise<number> {
  const args = [
    '-s',
    sessions,
    '-l',
    bytes,
    '-m',
    messages,
    '-d',
    '-f',
    'a@away.example',
    '-t',
    'bob@bench.example',
  ];
  const start = performance.now();
  await promisify(execFile)('smtp-source', [...args.map(String), address]);
  return messages / ((performance.now() - start) / 1000);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function measure(folder: string): Promise<void> {
  const ours = await startSmtpProcess(join(folder, 'ours'));
  const missing = await postfixMissing();
  if (missing !== undefined) console.log(`no Postfix to compare with: ${missing}`);
  const domains = ['bench.example'];
  const postfix =
    missing === undefined ? await startPostfix(join(folder, 'postfix'), { domains }) : undefined;
  try {
    await compare(ours, postfix);
  } finally {
    await postfix?.stop();
  }
  const { items, peakRssKiB } = await ours.stop();
  console.log(`${items} messages in the mailbox, at most ${Math.round(peakRssKiB / 1024)} MiB resident`);
}

/** A server that has been up for a while: code is compiled, files are there. */
const warmUp: Load = { sessions: 10, bytes: 4_096, messages: 5_000 };

async function compare(ours: SmtpProcess, postfix: Postfix | undefined): Promise<void> {
  await drive(ours.address, warmUp);
  if (postfix) await drive(postfix.address, warmUp);
  console.log('sessions      size   ours/s   postfix/s   ratio');
  for (const load of loads) {
    const figures: { ours: number[]; postfix: number[] } = { ours: [], postfix: [] };
    for (let round = 0; round < rounds; round++) {
      figures.ours.push(await drive(ours.address, load));
      if (postfix) figures.postfix.push(await drive(postfix.address, load));
    }
    const [our, their] = [median(figures.ours), median(figures.postfix)];
    const columns = [load.sessions, load.bytes, Math.round(our), Math.round(their), (our / their).toFixed(2)];
    console.log(columns.map((column, i) => `${column}`.padStart([8, 10, 9, 12, 8][i] ?? 0)).join(''));
  }
}

async function measureMemory(folder: string): Promise<void> {
  const site = await startSmtpProcess(folder);
  const rate = await drive(site.address, { sessions: 64, bytes: 20_000_000, messages: 64 });
  const { items, peakRssKiB } = await site.stop();
  const seconds = (64 / rate).toFixed(1);
  console.log(
    `${items} messages of 20 MB at once: ${seconds} s, at most ${Math.round(peakRssKiB / 1024)} MiB resident`,
  );
}

const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'mailstead-bench-smtp-'));
// Postfix works under a user of its own.
await chmod(folder, 0o755);
try {
  await measure(folder);
  await measureMemory(join(folder, 'memory'));
} finally {
  await rm(folder, { recursive: true, force: true });
}
