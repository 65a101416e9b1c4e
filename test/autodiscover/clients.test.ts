import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { elementText } from '#test/support/autodiscover-client';
import { startServer, type TestServer, type TestUser } from '#test/support/start-server';
import { tempFolder } from '#test/support/temp-store';

/** A request of test/fixtures/autodiscover for a user, over TLS; with or without its Authorization. */
function send(server: TestServer, file: string, user: TestUser, isSignedIn = true): Promise<string> {
  const written = readFileSync(new URL(`../fixtures/autodiscover/${file}.http`, import.meta.url), 'utf8');
  const { hostname, port } = new URL(server.baseUrl);
  const [head = '', body = ''] = written
    .replaceAll('{address}', user.address)
    .replaceAll('{encoded}', encodeURIComponent(user.address))
    .replaceAll('{host}', 'autodiscover.test.mailstead.test')
    .replaceAll('{credentials}', Buffer.from(`${user.address}:${user.password}`).toString('base64'))
    .split('\n\n');
  const lines = head.replace('{length}', String(Buffer.byteLength(body))).split('\n');
  const sent = lines.filter((line) => isSignedIn || !line.startsWith('Authorization:'));
  const socket = connect({ host: hostname, port: Number(port), ca: server.ca, servername: 'localhost' });
  // The answer is over when the connection is.
  socket.write(
    `${[...sent.filter((line) => !/^connection:/i.test(line)), 'Connection: close'].join('\r\n')}\r\n\r\n${body}`,
  );
  return textOf(socket);
}

test('each client, as it asks, finds the server', async () => {
  const server = await startServer({ settings: { MAILSTEAD_PUBLIC_URL: 'https://mail.example.org' } });
  const alice = await server.addUser('alice');
  const ask = (file: string, isSignedIn = true) => send(server, file, alice, isSignedIn);
  const url = 'https://mail.example.org/Microsoft-Server-ActiveSync';

  for (const client of ['ios', 'android', 'outlook-2010', 'outlook-2016', 'outlook-mac']) {
    const first = await ask(client, false);
    expect([client, first.split('\r\n')[0]]).toEqual([client, 'HTTP/1.1 401 Unauthorized']);
    expect(first).toMatch(/^WWW-Authenticate: Basic realm="/im);
  }
  // Outlook 2016 asks in its own schema and makes an ActiveSync account of the answer in the other.
  for (const client of ['ios', 'android', 'outlook-2016']) {
    const answer = await ask(client);
    expect([client, answer.split('\r\n')[0], elementText(answer, 'Url')]).toEqual([
      client,
      'HTTP/1.1 200 OK',
      url,
    ]);
    expect(elementText(answer, 'EMailAddress')).toBe(alice.address);
    expect(answer).toContain('/autodiscover/mobilesync/responseschema/2006"');
  }
  for (const client of ['outlook-2010', 'outlook-mac']) {
    const answer = await ask(client);
    expect([client, answer.split('\r\n')[0], elementText(answer, 'ErrorCode')]).toEqual([
      client,
      'HTTP/1.1 200 OK',
      '601',
    ]);
  }
  expect(await ask('outlook-mobile')).toContain(JSON.stringify({ Protocol: 'ActiveSync', Url: url }));
  expect(await ask('outlook-2016-json')).toContain(
    '"https://mail.example.org/autodiscover/autodiscover.xml"',
  );

  const config = await ask('thunderbird');
  expect([config.split('\r\n')[0], elementText(config, 'easURL')]).toEqual(['HTTP/1.1 200 OK', url]);
  const handedIn = [...config.matchAll(/<outgoingServer[\s\S]*?<port>(\d+)<\/port>\s*<socketType>(\w+)</g)];
  const portOf = (name: string) => server.server.addresses[name]?.split(':').at(-1);
  expect(handedIn.map(([, port, security]) => [port, security])).toEqual([
    [portOf('submissions'), 'SSL'],
    [portOf('submission'), 'STARTTLS'],
  ]);
});

test('a domain that is registered and not verified is not told of', async () => {
  const server = await startServer({ settings: { MAILSTEAD_LISTEN_SUBMISSION: '' } });
  const user = await server.addUser('alice');
  const { organization } = server;
  await server.admin('RegisterMailDomain', { OrganizationId: organization, DomainName: 'pending.test' });
  const ask = (address: string) =>
    Promise.all(['outlook-mobile', 'thunderbird'].map((file) => send(server, file, { ...user, address })));
  for (const answer of await ask('alice@pending.test')) expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  const [, config = ''] = await ask(user.address);
  expect(config.match(/<outgoingServer/g)).toHaveLength(1);
});

test("the administrator guide's session with curl: 401, then the answer", async () => {
  const folder = await tempFolder();
  const server = await startServer({
    folder,
    settings: {
      MAILSTEAD_BASE_DOMAIN: 'tld',
      MAILSTEAD_HOSTNAME: 'autodiscover.company.tld',
      MAILSTEAD_PUBLIC_URL: 'https://mobile.company.tld',
    },
  });
  const { OrganizationId } = await server.admin('CreateOrganization', { Alias: 'company' });
  const Password = 'Secret-12345';
  const user = { OrganizationId, Name: 'testuser', DisplayName: 'User1', Password };
  const { UserId } = await server.admin('CreateUser', user);
  const Email = 'testuser@company.tld';
  await server.admin('RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email });

  // Where the name leads to, and whom to trust, is the machine's affair: the commands are the guide's.
  const address = new URL(server.baseUrl).host;
  const settings = [
    `cacert = "${join(server.dataDir, 'tls', 'ca.pem')}"`,
    `connect-to = "autodiscover.company.tld:443:${address}"`,
    'noproxy = "*"',
  ];
  await writeFile(join(folder, '.curlrc'), `${settings.join('\n')}\n`);
  await writeFile(
    join(folder, 'request.xml'),
    `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/
mobilesync/requestschem/2006">
  <Request>
    <EmailAddress>testuser@company.tld</EmailAddress>
    <AcceptableResponseSchema>
      http://schemas.microsoft.com/exchange/autodiscover/mobilesync/
      responseschem/2006
    </AcceptableResponseSchema>
  </Request>
</Autodiscover>
`,
  );
  const url = 'https://autodiscover.company.tld/autodiscover/autodiscover.xml';
  const refused = await curl(folder, ['-X', 'POST', '-v', url]);
  expect(refused.stderr).toContain('< HTTP/1.1 401 Unauthorized');

  const session = await curl(
    folder,
    ['-d', '@request.xml', '-u', 'testuser@company.tld', '-v', url],
    Password,
  );
  expect(session.stderr).toContain("Enter host password for user 'testuser@company.tld':");
  const answer = ['Culture', 'DisplayName', 'EMailAddress', 'Type', 'Url', 'Name'];
  expect(answer.map((name) => elementText(session.stdout, name))).toEqual([
    'en:us',
    'User1',
    'testuser@company.tld',
    'MobileSync',
    'https://mobile.company.tld/Microsoft-Server-ActiveSync',
    'https://mobile.company.tld/Microsoft-Server-ActiveSync',
  ]);
});

/** Runs curl in a session of its own, so that it asks for the password here and not at a terminal. */
async function curl(folder: string, args: readonly string[], password = '') {
  const env = { PATH: process.env['PATH'], CURL_HOME: folder, HOME: folder };
  const running = spawn('curl', args, { cwd: folder, env, detached: true });
  running.stdin.end(`${password}\n`);
  const [stdout, stderr] = await Promise.all([textOf(running.stdout), textOf(running.stderr)]);
  return { stdout, stderr };
}
