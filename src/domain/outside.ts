import type { ContentFacts } from '#mime/content-facts';
import type { MailSigning } from './dkim-fields.ts';
import type { OutboundRecipient } from './outbound.ts';

/** What the server needs from the world; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function takes it back. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Random {
  bytes(length: number): Uint8Array;
}

export interface Outside {
  readonly clock: Clock;
  readonly random: Random;
}

/** A server that mail is given to by configuration. */
export interface RelayServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte on. */
  readonly isSecure: boolean;
  readonly login: { readonly user: string; readonly password: string } | undefined;
}

/** Another server that mail goes to next: one of the configuration, or those a domain names in DNS. */
export type RemoteHop =
  | { readonly kind: 'server'; readonly server: RelayServer }
  | { readonly kind: 'mx'; readonly domain: string };

/** Where mail goes next; local: its address is one of ours, LocalTransport knows what becomes of it. */
export type NextHop = RemoteHop | { readonly kind: 'local' };

/** What an attempt did for one recipient. */
export interface Outcome {
  readonly address: string;
  /** deferred: worth another attempt. */
  readonly kind: 'delivered' | 'deferred' | 'failed';
  /** RFC 3463. */
  readonly status: string;
  /** The server's reply as it came, or what kept us from getting one. */
  readonly text: string;
  /** The server that replied; absent when it is our own finding. */
  readonly remote?: string | undefined;
  /** The server promised to tell of the delivery itself: it has the DSN extension. */
  readonly isNotifyPassed?: boolean | undefined;
  /** No server of the destination could be reached: others to it need not try now. */
  readonly isUnreachable?: boolean | undefined;
}

/** What is sent to the next hop. */
export interface RelayedMail {
  readonly reversePath: string;
  readonly envid?: string | undefined;
  readonly ret?: 'FULL' | 'HDRS' | undefined;
  readonly recipients: readonly OutboundRecipient[];
  readonly size: number;
  readonly is8bit: boolean;
  /** What is known of its bytes already. */
  readonly facts?: ContentFacts | undefined;
  /** It is to arrive byte for byte wherever that is possible: it holds a message that is kept as evidence. */
  readonly isVerbatim?: boolean | undefined;
  /** The message, from its beginning each time it is asked for; a chunk is the reader's, with the memory that is all its own. */
  open(): AsyncIterable<Uint8Array>;
  /** Unsigned it is not sent. */
  readonly signing: MailSigning;
}

/** A connection to other servers, one mail after the other; it stays open while the next goes the same way. */
export interface RelaySession {
  /** Makes one attempt, and gives one outcome for each recipient; never rejects. */
  send(hop: RemoteHop, mail: RelayedMail): Promise<readonly Outcome[]>;
  /** Ends the connection; an attempt under way is broken off. */
  close(): void;
}

/** How mail leaves this server. */
export interface Relay {
  session(): RelaySession;
  /** Frees what its sessions share once they have ended; those that are begun later make it anew. */
  stop(): Promise<void>;
}
