/** A web server on this machine with revocation lists and an OCSP responder. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

type Answer = (request: Buffer) => Promise<Uint8Array> | Uint8Array;

/** What it answers by path; others are 404. It counts what it was asked. */
export async function startRevocationHost() {
  const answers = new Map<string, Answer>();
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path}`);
    const answer = answers.get(path);
    if (path === '/silent') return;
    if (path === '/elsewhere') response.setHeader('Location', '/crl');
    const status = path === '/elsewhere' ? 302 : answer === undefined ? 404 : 200;
    response.writeHead(status).end(await answer?.(await bodyOf(request)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { answers, asked, url: (path: string) => `http://127.0.0.1:${port}${path}`, port };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
