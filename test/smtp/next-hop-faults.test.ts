/** Servers that do what no good one does, and DNS that leads nowhere good. */
import { describe, expect, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { startNextServer } from '#test/support/next-server';
import { minute, startOutbound } from '#test/support/outbound-site';
import { goodReply, startScripted } from '#test/support/scripted-server';

const zone = {
  'one.example': { mx: [[10, 'mx.one.example']] },
  'mx.one.example': { a: ['127.0.0.1'] },
} as const;

async function start(script: Parameters<typeof startScripted>[0]) {
  const next = await startScripted(script);
  const dns = await startDns(zone);
  return { next, site: await startOutbound({ dns, port: next.port }) };
}

type Site = Awaited<ReturnType<typeof startOutbound>>;

async function lastOf(site: Site) {
  const [mail] = await site.queued();
  return mail?.recipients.map(({ state, last }) => ({ state, ...last }));
}

test('a TLS handshake that fails is tried again in clear', async () => {
  const { next, site } = await start((command, socket) => {
    if (command.startsWith('EHLO')) return '250-x\r\n250 STARTTLS\r\n';
    if (command === 'STARTTLS') socket.once('data', () => socket.end('no TLS at all\r\n'));
    return command === 'STARTTLS' ? '220 Go\r\n' : goodReply(command);
  });
  await site.send(['bob@one.example']);
  expect(await site.queued()).toEqual([]);
  expect(next.connections()).toBe(2);
});

test('STARTTLS that is refused is done without', async () => {
  const { next, site } = await start((command) => {
    if (command.startsWith('EHLO')) return '250-x\r\n250 STARTTLS\r\n';
    return command === 'STARTTLS' ? '454 4.7.0 Not now\r\n' : goodReply(command);
  });
  await site.send(['bob@one.example']);
  expect(await site.queued()).toEqual([]);
  expect(next.connections()).toBe(1);
});

describe('a reply', () => {
  test('that never ends is broken off, and the mail tried again later', async () => {
    const { site } = await start((command, socket) => {
      if (!command.startsWith('MAIL')) return goodReply(command);
      const more = () => {
        if (!socket.destroyed && socket.write(`250-${'x'.repeat(500)}\r\n`)) setImmediate(more);
      };
      socket.on('drain', more);
      more();
      return undefined;
    });
    await site.send(['bob@one.example']);
    expect(await lastOf(site)).toMatchObject([{ state: 'pending', kind: 'deferred' }]);
  });

  test('cannot write lines of its own into a report', async () => {
    const { site } = await start((command) =>
      command.startsWith('RCPT')
        ? `550-5.1.1 No\r\n550-\rAction: delivered\r\n550 5.1.1 \u0000--=_x\u2028Final-Recipient: rfc822; evil@one.example\r\n`
        : goodReply(command),
    );
    await site.send(['bob@one.example']);
    const [report] = await site.inbox();
    expect(report).toContain('\r\nStatus: 5.1.1\r\n');
    expect(report).not.toMatch(/(?:^|[\r\n\u2028])(?:Action: delivered|Final-Recipient: rfc822; evil)/);
  });
});

describe('a connection that breaks', () => {
  test('before the greeting, with 421, or after it, is tried again later', async () => {
    for (const greeting of ['421 4.3.2 Too busy\r\n', '554 5.3.2 No service\r\n', '']) {
      const { site } = await start((command, socket) => {
        if (command === '') socket.end(greeting);
        return undefined;
      });
      await site.send(['bob@one.example']);
      expect(await lastOf(site)).toMatchObject([{ state: 'pending', kind: 'deferred', isUnreachable: true }]);
    }
  });

  test('with 421 to a recipient leaves the mail to the next attempt', async () => {
    let isBusy = true;
    const { site } = await start((command, socket) => {
      if (!isBusy || !command.startsWith('RCPT')) return goodReply(command);
      socket.end('421 4.3.2 Going down\r\n');
      return undefined;
    });
    await site.send(['bob@one.example', 'carol@one.example']);
    expect(await lastOf(site)).toMatchObject([{ kind: 'deferred' }, { kind: 'deferred' }]);
    isBusy = false;
    await site.pass(minute);
    expect(await site.queued()).toEqual([]);
    expect(await site.inbox()).toEqual([]);
  });

  test('after the final dot may have taken the message: it is sent again, as SMTP has it', async () => {
    let isGone = true;
    const { next, site } = await start((command, socket) => {
      if (command !== '.' || !isGone) return goodReply(command);
      socket.destroy();
      return undefined;
    });
    await site.send(['bob@one.example']);
    expect(await lastOf(site)).toMatchObject([{ state: 'pending', status: '4.4.2' }]);
    isGone = false;
    await site.pass(minute);
    expect(next.commands.filter((command) => command === '.')).toHaveLength(2);
    expect(await site.queued()).toEqual([]);
  });
});

describe('too many recipients', () => {
  test.each(['452 4.5.3 Too many recipients', '552 5.5.3 Too many recipients'])(
    '%s: the others go in the next transaction, at once',
    async (reply) => {
      const taken: string[][] = [];
      let now: string[] = [];
      const { site } = await start((command) => {
        if (command.startsWith('MAIL')) now = [];
        if (command.startsWith('RCPT')) {
          if (now.length === 3) return `${reply}\r\n`;
          now.push(command);
        }
        if (command === '.') taken.push(now);
        return goodReply(command);
      });
      await site.send(Array.from({ length: 8 }, (_, n) => `user${n}@one.example`));
      expect(taken.map(({ length }) => length)).toEqual([3, 3, 2]);
      expect(await site.queued()).toEqual([]);
      expect(await site.inbox()).toEqual([]);
    },
  );

  test('452 to all of them is tried again later', async () => {
    const { next, site } = await start((command) =>
      command.startsWith('RCPT') ? '452 4.3.1 No room\r\n' : goodReply(command),
    );
    await site.send(['bob@one.example', 'carol@one.example']);
    expect(await lastOf(site)).toMatchObject([{ kind: 'deferred' }, { kind: 'deferred' }]);
    expect(next.commands.filter((command) => command.startsWith('MAIL'))).toHaveLength(1);
  });

  test('552 of a mailbox that is full is for good', async () => {
    const { site } = await start((command) =>
      command.startsWith('RCPT') && command.includes('bob') ? '552 5.2.2 Full\r\n' : goodReply(command),
    );
    await site.send(['bob@one.example', 'carol@one.example']);
    expect(await site.queued()).toEqual([]);
    expect((await site.inbox())[0]).toContain('\r\nStatus: 5.2.2\r\n');
  });
});

describe('where DNS leads', () => {
  const site = async (names: Parameters<typeof startDns>[0], port = 25) =>
    await startOutbound({ dns: await startDns(names), port });

  test.each([
    ['127.0.0.1'],
    ['127.8.9.10'],
    ['0.0.0.0'],
    ['169.254.169.254'],
    ['224.0.0.1'],
    ['255.255.255.255'],
  ])('a server at %s is none that mail goes to', async (address) => {
    const ours = await site({
      'x.example': { mx: [[10, 'mx.x.example']] },
      'mx.x.example': { a: [address] },
    });
    await ours.send(['bob@x.example']);
    const [report] = await ours.inbox();
    expect(report).toContain('\r\nStatus: 5.4.4\r\n');
    expect(report).toMatch(/no server of the internet/);
  });

  test.each(['::1', '::', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1'])('nor is one at %s', async (address) => {
    const ours = await site({});
    await ours.send([`bob@[IPv6:${address}]`]);
    expect((await ours.inbox())[0]).toMatch(/no server of the internet/);
  });

  test('an MX that is an address instead of a name is told', async () => {
    const ours = await site({ 'x.example': { mx: [[10, '192.0.2.1']] } });
    await ours.send(['bob@x.example']);
    expect((await ours.inbox())[0]).toMatch(
      /Status: 5\.4\.4\r\n[\s\S]*192\.0\.2\.1 is an address and no name/,
    );
  });

  test('a server whose IPv6 address does not answer is tried by IPv4', async () => {
    const next = await startNextServer();
    const ours = await site(
      { 'x.example': { mx: [[10, 'mx.x.example']] }, 'mx.x.example': { aaaa: ['::1'], a: ['127.0.0.1'] } },
      next.port,
    );
    await ours.send(['bob@x.example']);
    expect(next.mails).toHaveLength(1);
  });

  test('a server with many addresses leaves room for the next one', async () => {
    const next = await startNextServer();
    const many = Array.from({ length: 12 }, (_, n) => `127.0.1.${n + 1}`);
    const ours = await site(
      {
        'x.example': {
          mx: [
            [10, 'a.x.example'],
            [20, 'b.x.example'],
          ],
        },
        'a.x.example': { a: many },
        'b.x.example': { a: ['127.0.0.1'] },
      },
      next.port,
    );
    await ours.send(['bob@x.example']);
    expect(next.mails).toHaveLength(1);
  });
});
