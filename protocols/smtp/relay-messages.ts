/** What the server's own thread and the thread of outgoing sessions tell each other. */
import type { Authors, SigningKeys } from '#domain/dkim-fields';
import type { OutboundRecipient } from '#domain/outbound';
import type { Outcome, RelayedMail } from '#domain/outside';
import type { LogFields } from '#telemetry/log';
import type { ConnectError } from './connection-failure.ts';
import type { Host } from './next-hop.ts';

/** What a session sends; its recipients may be some of those that the mail has. */
export type SendableMail = Omit<RelayedMail, 'recipients' | 'is8bit'>;

/** The same without what is asked for when it is needed. */
export interface SentMail extends Omit<SendableMail, 'open' | 'signing'> {
  /** A small message; a larger one comes in pieces. */
  readonly whole?: Uint8Array | undefined;
  /** Who probably signs it. */
  readonly presumed?: SigningKeys | undefined;
}

/** A piece of a message that is read; `read` counts how often it was begun. */
export type ContentMessage = { readonly kind: 'content'; readonly read: number } & (
  | { readonly chunks: readonly Uint8Array[]; readonly isEnd: boolean }
  | { readonly error: Error }
);

/** The session of that number begins. */
export interface Opening {
  readonly session: number;
  readonly kind: 'open';
  readonly host: Host;
  readonly hostname: string;
  readonly ca?: string | undefined;
}

/** What a session is told. */
export type ToSession = { readonly session: number } & (
  | { readonly kind: 'send'; readonly mail: SentMail; readonly recipients: readonly OutboundRecipient[] }
  | { readonly kind: 'keys'; readonly keys: SigningKeys | Error }
  | ContentMessage
  | { readonly kind: 'quit' | 'close' }
);

/** stop: there will be no more; sessions that are ending may take a moment. */
export type ToThread = Opening | ToSession | { readonly kind: 'stop' };

/** What is needed of a mail that is being sent, and what of it there is to be told. */
export type MailQuestion =
  | { readonly kind: 'keysFor'; readonly authors: Authors }
  | { readonly kind: 'unsigned'; readonly error: Error }
  /** The message once more from its beginning. */
  | { readonly kind: 'read'; readonly read: number }
  /** So many bytes more of it may come. */
  | { readonly kind: 'more'; readonly read: number; readonly bytes: number };

/** What a session tells. */
export type FromThread = { readonly session: number } & (
  | MailQuestion
  | { readonly kind: 'opened'; readonly greetedBy: string }
  | { readonly kind: 'refused'; readonly message: string; readonly status: ConnectError['status'] }
  /** Opening or sending failed by a fault of ours, or because the message could not be read. */
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'sent'; readonly outcomes: readonly Outcome[]; readonly isUsable: boolean }
  | { readonly kind: 'ended' }
  /** TLS of the host failed where it is only tested. */
  | { readonly kind: 'warned'; readonly fields: LogFields }
);

/** An error as it can be told to another thread: its class stays behind. */
export function plainError(err: unknown): Error {
  if (!(err instanceof Error)) return new Error(String(err));
  const { message, stack, cause } = err;
  const plain = new Error(message, cause === undefined ? undefined : { cause: plainError(cause) });
  if (stack !== undefined) plain.stack = stack;
  return plain;
}
