/**
 * Durable messages a second over SMTP, ours beside Postfix in turns of one run: kept here, and relayed to another server.
 * smtp-source sends to both, smtp-sink takes what is relayed (Debian's postfix package; as root). What is relayed we sign, so
 * it stands beside a Postfix that signs too, if there is OpenDKIM. Then what 64 messages of 20 MB at once cost in memory. BENCH_SHARE=0.1 sends a tenth of the messages, BENCH_ROUNDS=1 one round instead of three.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postfixMissing, startPostfix } from '#test/support/postfix';
import { median, printTable } from './support/figures.ts';
import { startOpenDkim } from './support/opendkim.ts';
import { share } from './support/share.ts';
import { Site } from './support/site.ts';
import { type Load, type Sink, send, startSink } from './support/smtp-load.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const [small, large] = [4_096, 5_000_000];

const loads: readonly Load[] = [
  { sessions: 1, bytes: small, messages: 1_000 },
  { sessions: 10, bytes: small, messages: 3_000 },
  { sessions: 50, bytes: small, messages: 6_000 },
  { sessions: 1, bytes: large, messages: 30 },
  { sessions: 10, bytes: large, messages: 60 },
  { sessions: 50, bytes: large, messages: 100 },
];

/** A mail server under load: where it is, whom it keeps mail of and whom it relays for, and where that mail ends. */
interface Server {
  readonly name: string;
  readonly address: string;
  readonly local: string;
  readonly relayed: string;
  readonly sink: Sink;
  /** Processor time in milliseconds, where it is known. */
  readonly cpuMs?: () => number;
}

type Way = 'local' | 'relayed';

interface Figures {
  readonly rate: number;
  readonly cpuMs: number;
}

/** How many messages a second were answered with 250 (local) or had arrived at the sink (relayed). */
async function drive(server: Server, way: Way, load: Load, sent: Map<Sink, number>): Promise<Figures> {
  const [start, cpuBefore] = [performance.now(), server.cpuMs?.() ?? 0];
  if (way === 'local') await send(server.address, server.local, load);
  else {
    const due = (sent.get(server.sink) ?? 0) + load.messages;
    sent.set(server.sink, due);
    await Promise.all([send(server.address, server.relayed, load), server.sink.taken(due)]);
  }
  const seconds = (performance.now() - start) / 1000;
  return { rate: load.messages / seconds, cpuMs: ((server.cpuMs?.() ?? 0) - cpuBefore) / load.messages };
}

const scaled = (load: Load): Load => ({
  ...load,
  messages: Math.max(load.sessions, Math.round(load.messages * share)),
});

/** A server that has been up for a while: code is compiled, files are there. */
const warmUps: readonly Load[] = [
  { sessions: 10, bytes: small, messages: 5_000 },
  { sessions: 10, bytes: large, messages: 30 },
];

async function compare(ours: Server, others: readonly Server[]): Promise<void> {
  const sent = new Map<Sink, number>();
  for (const way of ['local', 'relayed'] as const) {
    // What stays here nobody signs.
    const servers = [ours, ...others.slice(0, way === 'local' ? 1 : undefined)];
    for (const server of servers) for (const load of warmUps) await drive(server, way, scaled(load), sent);
    const rows: (string | number)[][] = [];
    for (const load of loads.map(scaled)) {
      const figures = servers.map((): Figures[] => []);
      for (let round = 0; round < rounds; round++)
        for (const [n, server] of servers.entries()) figures[n]?.push(await drive(server, way, load, sent));
      const [our = Number.NaN, ...theirs] = figures.map((list) => median(list.map(({ rate }) => rate)));
      const cpu = median((figures[0] ?? []).map(({ cpuMs }) => cpuMs));
      const compared = theirs.flatMap((rate) => [rounded(rate), (our / rate).toFixed(2)]);
      rows.push([load.sessions, load.bytes, rounded(our), cpu.toFixed(2), ...compared]);
    }
    console.log(`\n${way}`);
    const names = servers.slice(1).flatMap(({ name }) => [`${name}/s`, 'ratio']);
    printTable(['sessions', 'bytes', 'ours/s', 'our CPU ms each', ...names], rows);
  }
}

function rounded(rate: number): string {
  return rate.toFixed(rate < 100 ? 1 : 0);
}

const domain = 'bench.mailstead.test';

/** Ours, started as an administrator does; nobody@ of its domain is on another server, the sink. */
async function startOurs(): Promise<{ readonly server: Server; readonly site: Site }> {
  const sink = await startSink();
  const site = await Site.start(
    `[[outbound.route]]\ndomain = "${domain}"\nrelay = "smtp://127.0.0.1:${sink.port}"\nonly_unknown = true\n`,
  );
  const { address } = await site.addUser('bob');
  const cpuMs = () => site.usage.cpuMs;
  const server = {
    name: 'ours',
    address: site.smtp,
    local: address,
    relayed: `nobody@${domain}`,
    sink,
    cpuMs,
  };
  return { site, server };
}

interface Theirs {
  readonly server: Server;
  stop(): Promise<void>;
}

async function startTheirs(folder: string, name: string, milter?: string): Promise<Theirs> {
  const sink = await startSink();
  const postfix = await startPostfix(folder, {
    domains: ['bench.example'],
    settings: {
      transport_maps: `inline:{ { relayed.example = smtp:[127.0.0.1]:${sink.port} } }`,
      ...(milter === undefined ? {} : { smtpd_milters: milter, milter_default_action: 'tempfail' }),
    },
  });
  const { address } = postfix;
  return {
    server: { name, address, local: 'bob@bench.example', relayed: 'bob@relayed.example', sink },
    stop: async () => {
      await postfix.stop();
      sink.stop();
    },
  };
}

async function measureMemory(): Promise<void> {
  const { site, server } = await startOurs();
  const start = performance.now();
  await send(server.address, server.local, { sessions: 64, bytes: 20_000_000, messages: 64 });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const peakMiB = Math.round(site.usage.peakKiB / 1024);
  console.log(`\n64 messages of 20 MB at once: ${seconds} s, at most ${peakMiB} MiB resident`);
  await site.stop();
  server.sink.stop();
}

const missing = await postfixMissing();
if (missing !== undefined) console.log(`no Postfix to compare with: ${missing}`);
const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'mailstead-bench-smtp-'));
// Postfix works under a user of its own.
await chmod(folder, 0o755);
const theirs: Theirs[] = [];
const opendkim =
  missing === undefined ? await startOpenDkim(join(folder, 'opendkim'), 'away.example') : undefined;
try {
  if (missing === undefined) theirs.push(await startTheirs(join(folder, 'postfix'), 'Postfix'));
  if (opendkim !== undefined)
    theirs.push(await startTheirs(join(folder, 'signing'), 'signing Postfix', opendkim.milter));
  const ours = await startOurs();
  await compare(
    ours.server,
    theirs.map(({ server }) => server),
  );
  await ours.site.stop();
  ours.server.sink.stop();
} finally {
  for (const one of theirs) await one.stop();
  opendkim?.stop();
  await rm(folder, { recursive: true, force: true });
}
await measureMemory();
