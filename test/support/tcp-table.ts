/** A lookup table of a Postfix whose answers a test gives: the protocol of tcp_table(5). */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** Starts one for one test; gives its name for main.cf, `tcp:host:port`. `answer` gives undefined for what is not in it. */
export async function startTcpTable(answer: (key: string) => string | undefined): Promise<string> {
  const server = createServer((connection) => {
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    let held = '';
    connection.on('data', (text) => {
      const lines = (held + text).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const value = answer(decodeURIComponent(line.slice('get '.length)));
        connection.write(value === undefined ? '500 none\n' : `200 ${encodeURI(value)}\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const bound = server.address();
  return `tcp:127.0.0.1:${bound !== null && typeof bound === 'object' ? bound.port : 0}`;
}
