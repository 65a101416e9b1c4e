import { constants } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type {
  SMTPServerAddress,
  SMTPServerDataStream,
  SMTPServerOptions,
  SMTPServerSession,
} from 'smtp-server';
import type { Logger } from '#telemetry/log';
import { idleMs } from './connection.ts';
import { hook } from './hook.ts';
import { type Reply, ReplyError } from './reply.ts';
import { Server, type ServerRules } from './server.ts';

export interface ListenerOptions extends ServerRules {
  /** Our name in the greeting and in Received. */
  readonly hostname: string;
  /** PEM: the certificate with its chain, and its private key. */
  readonly cert: string;
  readonly key: string;
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
}

/** What a listener does with mail; whatever is thrown becomes the reply of replyTo(). */
interface MailHooks {
  mail(address: SMTPServerAddress, session: SMTPServerSession): Promise<undefined>;
  rcpt(address: SMTPServerAddress, session: SMTPServerSession): Promise<undefined>;
  /** Gives the text of the 250. */
  data(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string>;
}

const defaultGraceMs = 10_000;
/** The library's jests and proxy commands are not for us. */
const disabledCommands = ['WIZ', 'SHELL', 'KILL', 'XCLIENT', 'XFORWARD'];

/** Listener is what all our SMTP listeners have in common: its life, its limits, and the log of what it refuses. */
export class Listener {
  readonly #log: Logger;
  readonly #server: Server;

  /** `own` are the settings of smtp-server that this listener has for itself. */
  constructor(options: ListenerOptions, own: SMTPServerOptions, hooks: MailHooks, log: Logger) {
    this.#log = log;
    this.#server = this.#createServer(options, own, hooks);
    this.#server.on('error', (error) => log.info('smtp.connection.failed', { reason: error.message }));
  }

  /** Starts to accept; gives the bound address as `host:port`. Rejects with the system's error when it cannot. */
  async listen(host: string, port: number): Promise<string> {
    const { server } = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.removeListener('error', reject);
        resolve();
      });
    });
    const { address, port: bound, family } = server.address() as AddressInfo;
    const text = `${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    this.#log.info('smtp.listening', { address: text });
    return text;
  }

  /** Takes nothing new, lets messages that are coming in end for `graceMs`. Resolves when every connection is gone. */
  close(graceMs = defaultGraceMs): Promise<void> {
    return this.#server.leave(graceMs);
  }

  #createServer(options: ListenerOptions, own: SMTPServerOptions, hooks: MailHooks): Server {
    const { hostname, cert, key, maxMessageBytes, maxRecipients, clients } = options;
    const log = this.#log;
    const settings: SMTPServerOptions = {
      name: hostname,
      banner: 'Mailstead',
      heloResponse: '%s',
      cert,
      key,
      minVersion: 'TLSv1.2',
      // Of TLS 1.2: each one costs us more than the client.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      size: maxMessageBytes,
      maxRecipients,
      socketTimeout: idleMs,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      ...own,
      disabledCommands: [...disabledCommands, ...(own.disabledCommands ?? [])],
      onMailFrom: hook<SMTPServerAddress>(
        log,
        async (address, session) => {
          if (!clients.takeMessage(session.remoteAddress)) throw tooManyMessages();
          return hooks.mail(address, session);
        },
        this.#refusal('mail'),
      ),
      onRcptTo: hook<SMTPServerAddress>(
        log,
        (address, session) => hooks.rcpt(address, session),
        (reply, { address }, { id }, reason) =>
          log.info('smtp.rcpt.refused', { connection: id, rcpt: address, code: reply.code, reason }),
      ),
      onData: hook<SMTPServerDataStream>(
        log,
        (stream, session) => hooks.data(stream, session),
        this.#refusal('data'),
      ),
    };
    return new Server(settings, options, log);
  }

  #refusal(command: string) {
    return (reply: Reply, _given: unknown, { id, envelope }: SMTPServerSession, reason: string) => {
      const from = envelope.mailFrom ? envelope.mailFrom.address : '';
      this.#log.info('smtp.message.refused', { connection: id, command, from, code: reply.code, reason });
    };
  }
}

function tooManyMessages(): ReplyError {
  return new ReplyError(450, '4.7.1', 'Too many messages from your address, try again later');
}
