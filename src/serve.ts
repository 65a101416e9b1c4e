import type { Config } from '#config/config';
import type { Outside } from '#domain/outside';
import { CertificateError } from '#protocols/http/certificate';
import { StoreOpenError } from '#storage/leveldb/errors';
import { MasterKeyError } from '#storage/master-key';
import { createLogger, type Logger } from '#telemetry/log';
import { systemOutside } from './outside.ts';

/** The server as the process sees it. */
interface ServableServer {
  start(): Promise<void>;
  /** Ends waiting requests, lets running ones finish for at most ten seconds, closes the store. */
  stop(): Promise<void>;
  /** Every bound address by listener name, once it has started. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What a person should read at this start, if anything. */
  readonly setupText?: string | undefined;
}

/** Exit codes of the process; most of what is wrong with the configuration is found before the server is made. */
const ExitCode = { Fine: 0, Unexpected: 1, Configuration: 2, DataDirectory: 3 } as const;

/** Signals closer together than this are one: a signal to the process group reaches us twice. */
const sameSignalMs = 1_000;

/** serve runs the server until SIGTERM or SIGINT, and gives the process's exit code. */
export async function serve(
  config: Config,
  createServer: (config: Config, outside: Outside) => Promise<ServableServer>,
): Promise<number> {
  const log = createLogger(config.logLevel);
  process.on('uncaughtException', (err) => {
    log.error('server.failed', { err });
    process.exit(ExitCode.Unexpected);
  });
  const stopping = nextSignal();
  log.info('server.starting', { dataDir: config.dataDir });
  try {
    const server = await createServer(config, systemOutside);
    await server.start();
    if (server.setupText !== undefined) process.stdout.write(`${server.setupText}\n`);
    process.stdout.write(`ready ${JSON.stringify(server.addresses)}\n`);
    log.info('server.ready');
    log.info('server.stopping', { signal: await stopping });
    await server.stop();
    log.info('server.stopped');
    return ExitCode.Fine;
  } catch (err) {
    return failed(err, config, log);
  }
}

/** nextSignal resolves with the first SIGTERM or SIGINT; one that comes over a second later ends the process at once. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: string) => {
      const now = performance.now();
      firstAt ??= now;
      if (now - firstAt > sameSignalMs) process.exit(ExitCode.Unexpected);
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  });
}

function failed(err: unknown, config: Config, log: Logger): number {
  log.error('server.failed', { err });
  const reason = err instanceof Error ? err.message : String(err);
  if (err instanceof CertificateError) {
    process.stderr.write(`${reason}\n`);
    return ExitCode.Configuration;
  }
  if (err instanceof StoreOpenError || err instanceof MasterKeyError || isUnreadable(err, config.dataDir)) {
    process.stderr.write(`mailstead: the data directory ${config.dataDir} cannot be used: ${reason}\n`);
    return ExitCode.DataDirectory;
  }
  process.stderr.write(`mailstead: ${reason}\n`);
  return ExitCode.Unexpected;
}

/** Whether the system refused a path of the data directory. */
function isUnreadable(err: unknown, dataDir: string): boolean {
  return err instanceof Error && 'path' in err && String(err.path).startsWith(dataDir);
}
