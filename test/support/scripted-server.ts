/** Another mail server for one test that answers what no good one would: a reply for each command, as the test writes it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a command is answered with, CR LF and all; undefined says nothing. The message ends as the command `.`. */
type Script = (command: string, socket: Socket) => string | undefined;

export interface ScriptedServer {
  readonly port: number;
  /** Every command as it came, of all connections; messages as `.` alone. */
  readonly commands: string[];
  connections(): number;
}

/** Good answers to every command, for a server with 8BITMIME alone. */
export function goodReply(command: string): string {
  if (command === '') return '220 scripted.example ESMTP\r\n';
  if (command.startsWith('EHLO')) return '250-scripted.example\r\n250 8BITMIME\r\n';
  if (command === 'DATA') return '354 Go on\r\n';
  return command === 'QUIT' ? '221 Bye\r\n' : '250 2.0.0 Fine\r\n';
}

/** Starts a server; the greeting is the answer to the command ''. */
export async function startScripted(script: Script, host = '127.0.0.1', port = 0): Promise<ScriptedServer> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    let held = '';
    let isData = false;
    const answer = (command: string) => {
      if (command !== '') commands.push(command);
      const reply = script(command, socket);
      isData = command === 'DATA' && reply?.startsWith('354') === true;
      if (reply !== undefined && !socket.destroyed) socket.write(reply);
    };
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      held += chunk.toString('utf8');
      for (let end = held.indexOf('\r\n'); end >= 0; end = held.indexOf('\r\n')) {
        const line = held.slice(0, end);
        held = held.slice(end + 2);
        if (!isData || line === '.') answer(line);
      }
    });
    answer('');
  });
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, commands, connections: () => connections };
}
