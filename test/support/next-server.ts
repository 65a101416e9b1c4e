/** Another mail server for one test: takes mail, or answers what the test tells it to. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { onTestFinished } from 'vitest';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { tempFolder } from './temp-store.ts';

/** A message as it arrived. */
interface ArrivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly user: string | undefined;
  readonly isSecure: boolean;
  /** The NOTIFY of each recipient. */
  readonly notify: readonly (readonly string[] | undefined)[];
}

/** `code text`; undefined takes it. */
type Answer = string | undefined;

export interface NextServerOptions extends SMTPServerOptions {
  readonly host?: string;
  readonly port?: number;
  readonly onRcpt?: (address: string) => Answer;
  readonly onMessage?: (mail: ArrivedMail) => Answer | Promise<Answer>;
}

export interface NextServer {
  readonly host: string;
  readonly port: number;
  readonly mails: ArrivedMail[];
  /** How many connections there were. */
  connections(): number;
  /** Resolves when so many messages have arrived in all. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export async function startNextServer(options: NextServerOptions = {}): Promise<NextServer> {
  const { host = '127.0.0.1', port = 0, onRcpt, onMessage, ...rest } = options;
  const mails: ArrivedMail[] = [];
  const waiting = new Set<() => void>();
  let connections = 0;
  let isClosed = false;
  const { cert, key } = await certificate();
  const server = new SMTPServer({
    cert,
    key,
    name: 'next.example',
    authOptional: true,
    disableReverseLookup: true,
    allowInsecureAuth: true,
    onConnect: (_session, done) => {
      connections++;
      done();
    },
    onRcptTo: ({ address }, _session, done) => done(errorOf(onRcpt?.(address))),
    onData: (stream, session, done) => {
      void (async () => {
        // Who goes away in the middle of a message has sent none.
        const content = await buffer(stream).catch(() => undefined);
        if (content === undefined) return done();
        const raw = content.toString('latin1');
        const { mailFrom, rcptTo } = session.envelope;
        const mail: ArrivedMail = {
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          raw,
          user: session.user === undefined ? undefined : String(session.user),
          isSecure: session.secure,
          notify: rcptTo.map(({ dsn }) => dsn?.notify),
        };
        const refusal = errorOf(await onMessage?.(mail));
        if (refusal === null) mails.push(mail);
        done(refusal);
        for (const look of waiting) look();
      })();
    },
    ...rest,
  });
  server.on('error', () => undefined);
  server.listen(port, host);
  await once(server.server, 'listening');
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    server.options.closeTimeout = 1;
    await new Promise<void>((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return {
    host,
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => connections,
    arrived: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (mails.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    close,
  };
}

let made: ReturnType<typeof loadOrCreateCertificate> | undefined;

/** One certificate for all tests of a file. */
function certificate(): ReturnType<typeof loadOrCreateCertificate> {
  made ??= (async () =>
    await loadOrCreateCertificate({
      dir: join(await tempFolder(), 'tls'),
      hostnames: ['next.example'],
      now: new Date(),
    }))();
  return made;
}

function errorOf(answer: Answer): Error | null {
  if (answer === undefined) return null;
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}
