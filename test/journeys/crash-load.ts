/** SMTP load for the crash test: what was sent to whom, and what of it was answered 250. */
import { SmtpClient } from '#test/support/smtp-client';

/** A message as it was handed over. */
export interface SentMessage {
  /** Stands in the Subject, and in every line. */
  readonly token: string;
  readonly recipients: readonly string[];
  readonly content: string;
  /** 250 was answered to the end of its data. */
  answered: boolean;
}

/** Beyond so many mailboxes a message goes through the queue. */
const queuedRecipients = 65;

/** SmtpLoad sends messages of every kind over kept-open sessions until the server is gone. */
export class SmtpLoad {
  readonly sent = new Map<string, SentMessage>();
  /** Replies that should not have come. */
  readonly refusals: string[] = [];
  readonly #addresses: readonly string[];
  readonly #random: (below: number) => number;

  /** `addresses` are at least 65; `random` gives a whole number from 0 up to `below`. */
  constructor(addresses: readonly string[], random: (below: number) => number) {
    this.#addresses = addresses;
    this.#random = random;
  }

  /** Resolves when every session was cut off. `name` keeps the messages of several runs apart. */
  async run(server: string, sessions: number, name: string): Promise<void> {
    const names = Array.from({ length: sessions }, (_, i) => `${name}.${i}`);
    await Promise.all(names.map((session) => this.#session(server, session)));
  }

  /** Sends one message, and gives the reply to it. Rejects when the connection ends. */
  async send(client: SmtpClient, message: SentMessage): Promise<string> {
    this.sent.set(message.token, message);
    const { code, line } = await client.mail('sender@elsewhere.example', message.recipients, message.content);
    if (code === 250) message.answered = true;
    else this.refusals.push(line);
    return line;
  }

  async #session(server: string, name: string): Promise<void> {
    let client: SmtpClient | undefined;
    try {
      client = await SmtpClient.greeted(server);
      for (let n = 0; ; n++) await this.send(client, this.#message(`${name}.${n}`));
    } catch (error) {
      if (!isCutOff(error)) throw error;
    } finally {
      client?.close();
    }
  }

  #message(token: string): SentMessage {
    const kind = this.#random(100);
    const isLarge = kind % 3 === 0;
    const bytes = isLarge ? 33_000 + this.#random(100_000) : this.#random(8_000);
    if (kind >= 97) return sentMessage(token, this.#some(queuedRecipients + this.#random(6)), bytes);
    return sentMessage(token, this.#some(kind >= 75 ? 2 + this.#random(5) : 1), bytes);
  }

  #some(count: number): readonly string[] {
    const from = this.#random(this.#addresses.length);
    return Array.from(
      { length: count },
      (_, i) => this.#addresses[(from + i) % this.#addresses.length] ?? '',
    );
  }
}

/** A message of about so many bytes whose every line differs, so that one that lost a piece is not taken for whole. */
export function sentMessage(token: string, recipients: readonly string[], bytes: number): SentMessage {
  const header = [
    'From: sender@elsewhere.example',
    'To: undisclosed-recipients:;',
    `Subject: ${token}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    '',
  ];
  const lines = Array.from({ length: 1 + Math.floor(bytes / 76) }, (_, i) =>
    `${token} ${i} `.padEnd(74, '.'),
  );
  return { token, recipients, content: `${[...header, ...lines].join('\r\n')}\r\n`, answered: false };
}

function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : '';
  return code === 'ECONNRESET' || code === 'ECONNREFUSED' || error.message.startsWith('the connection ended');
}
