/** Who may sign in to a Postfix: its smtpd asks over Dovecot's authentication protocol, version 1.1. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** Starts a server that knows one user, for one test; gives the settings of main.cf that make smtpd ask it. */
export async function startDovecotAuth(user: string, password: string): Promise<Record<string, string>> {
  const server = createServer((connection) => {
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    connection.write('VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t00\nDONE\n');
    let held = '';
    connection.on('data', (text) => {
      const lines = (held + text).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const [command, id, , ...parameters] = line.split('\t');
        if (command !== 'AUTH') continue;
        const given = parameters.find((parameter) => parameter.startsWith('resp='))?.slice('resp='.length);
        const isRight = Buffer.from(given ?? '', 'base64').toString() === `\0${user}\0${password}`;
        connection.write(`${isRight ? 'OK' : 'FAIL'}\t${id}\tuser=${user}\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  return {
    smtpd_sasl_auth_enable: 'yes',
    smtpd_sasl_type: 'dovecot',
    smtpd_sasl_path: `inet:127.0.0.1:${port}`,
    smtpd_sasl_security_options: 'noanonymous',
  };
}
