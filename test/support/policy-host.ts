/** Where MTA-STS policies are fetched from, for one test: an HTTPS server with a certificate that a test authority signed. */
import { once } from 'node:events';
import type { OutgoingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { tempFolder } from './temp-store.ts';

export interface PolicyHost {
  readonly port: number;
  /** The authority that signed its certificate, and one for `names`. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** What it answers; may change while it runs. */
  policy: { status?: number; headers?: OutgoingHttpHeaders; text: string };
  /** The hosts it was asked for, in order. */
  readonly asked: (string | undefined)[];
}

/** Starts a host for these names; mail servers of them may use the same certificate. */
export async function startPolicyHost(names: readonly string[], text: string): Promise<PolicyHost> {
  const dir = join(await tempFolder(), 'tls');
  const { cert, key, ca = '' } = await loadOrCreateCertificate({ dir, hostnames: names, now: new Date() });
  const server = createServer({ cert, key }, (request, response) => {
    host.asked.push(request.headers.host);
    const { status = 200, headers = { 'Content-Type': 'text/plain' } } = host.policy;
    response.writeHead(request.url === '/.well-known/mta-sts.txt' ? status : 404, headers);
    response.end(host.policy.text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  const host: PolicyHost = { port, ca, cert, key, policy: { text }, asked: [] };
  return host;
}
