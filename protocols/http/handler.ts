import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '#telemetry/log';

/** HttpContext is what a handler knows of the connection its request came over. */
export interface HttpContext {
  /** One id per TCP connection: it stands in every log line and ends texts that people may quote to us. */
  readonly connectionId: string;
  /** The peer's address; IPv4 in its own notation, also over an IPv6 socket. */
  readonly remoteAddress: string;
  /** Whether the connection is TLS. */
  readonly secure: boolean;
  /** Logs with the connection's id. */
  readonly log: Logger;
}

/**
 * HttpHandler answers one request. A thrown HttpError becomes exactly that answer; anything else thrown is logged in
 * full and answered with 500 "local error". A handler that waits watches the response's `close` for a client that left.
 */
export type HttpHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: HttpContext,
) => Promise<void>;
