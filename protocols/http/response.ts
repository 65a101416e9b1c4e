import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long, at most, a body nobody wants is read away so that its sender gets to see the answer. */
const lingerMs = 2_000;

/** send answers with a complete body; Content-Length is always set (RFC 9110 §8.6), save where a status has no body. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = '',
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  const bodiless = status === 204 || status === 304;
  response.writeHead(status, bodiless ? headers : { ...headers, 'Content-Length': String(bytes.byteLength) });
  response.end(bodiless ? undefined : bytes);
}

/**
 * sendAndClose answers a request whose body is not wanted and gives up the connection. The answer goes out at once; the
 * rest of the body is discarded for a moment, because closing on unread bytes would reset the connection and take the
 * answer with it (RFC 9112 §9.6).
 */
export function sendAndClose(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { ...headers, Connection: 'close', 'Content-Length': length });
  response.write(body);
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end).once('error', end).resume();
}

/**
 * giveUpRest lets go of the connection of a request that is answered, unless the rest of its body comes soon: Node would read
 * it away for as long as it comes.
 */
export function giveUpRest(request: IncomingMessage): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.socket.destroy(), lingerMs);
  const settle = () => clearTimeout(timer);
  request.once('end', settle).once('close', settle);
}
