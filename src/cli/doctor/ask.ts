import type { IncomingHttpHeaders } from 'node:http';
import { request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import type { ListenAddress } from '#config/units';

const maxAnswerBytes = 1024 * 1024;

interface Question {
  /** Where this server listens, whatever name is asked for. */
  readonly address: ListenAddress;
  /** The name in the URL a client would ask. */
  readonly hostname: string;
  readonly isPlain?: boolean;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * ask sends one request to a listener of this server as a client that found it by a name would. The certificate is not
 * judged: that is a check of its own, and the address is this server's own, as it told over its admin socket.
 */
export function ask(question: Question, signal: AbortSignal): Promise<HttpAnswer> {
  const { address, hostname, isPlain = false, method, path, headers, body } = question;
  const options = {
    host: address.host,
    port: address.port,
    method,
    path,
    agent: false,
    signal,
    headers: {
      Host: hostname,
      'User-Agent': 'Mailstead-Doctor',
      'Content-Length': Buffer.byteLength(body ?? ''),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const sent = isPlain
      ? requestPlain(options)
      : requestSecure({
          ...options,
          rejectUnauthorized: false,
          ...(isIP(hostname) === 0 && { servername: hostname }),
        });
    sent.on('error', reject).on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > maxAnswerBytes) sent.destroy(new Error('the answer does not end'));
        else chunks.push(chunk);
      });
      response.on('error', reject).on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    sent.end(body);
  });
}
