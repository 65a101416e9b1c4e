import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { startDns } from '#test/support/dns-responder';
import { fixedClock } from '#test/support/temp-store';
import { CachingDns } from './dns.ts';

const minute = 60_000;

async function start(names: Record<string, NonNullable<Parameters<typeof startDns>[0][string]>>) {
  const asked: string[] = [];
  const clock = fixedClock(Date.UTC(2026, 10, 22));
  const server = await startDns(names, (name) => asked.push(name));
  return { asked, clock, names, dns: new CachingDns({ servers: [server], clock }) };
}

const code = (value: string) => expect.objectContaining({ code: value });

test('records of every type come in the shapes of Node', async () => {
  const long = 'v=DKIM1; '.padEnd(300, 'x');
  const { dns } = await start({
    'a.example': {
      a: ['192.0.2.1', '192.0.2.2'],
      aaaa: ['2001:db8::1'],
      mx: [[10, 'mx.example']],
      txt: [long],
    },
  });
  expect(await dns.resolve('a.example', 'A')).toEqual(['192.0.2.1', '192.0.2.2']);
  expect(await dns.resolve('a.example', 'AAAA')).toEqual(['2001:db8::1']);
  expect(await dns.resolve('a.example', 'MX')).toMatchObject([{ exchange: 'mx.example', priority: 10 }]);
  expect(await dns.resolver('a.example', 'TXT')).toEqual([[long.slice(0, 255), long.slice(255)]]);
});

test('an answer is asked for once while its TTL lasts', async () => {
  const { dns, asked, clock } = await start({ 'a.example': { a: ['192.0.2.1'], ttl: 30 } });
  await Promise.all(Array.from({ length: 20 }, () => dns.resolve('A.Example.', 'A')));
  clock.move(29_999);
  await dns.resolve('a.example', 'A');
  expect(asked).toEqual(['a.example']);
  clock.move(1);
  await dns.resolve('a.example', 'A');
  expect(asked).toHaveLength(2);
});

test('an answer whose TTL Node does not tell lasts five minutes; one of days an hour', async () => {
  const { dns, asked, clock } = await start({
    'a.example': { a: ['192.0.2.1'], txt: ['x'], ttl: 1_000_000 },
  });
  await dns.resolve('a.example', 'TXT');
  clock.move(5 * minute);
  await dns.resolve('a.example', 'TXT');
  await dns.resolve('a.example', 'A');
  expect(asked).toHaveLength(3);
  clock.move(60 * minute);
  await dns.resolve('a.example', 'A');
  expect(asked).toHaveLength(4);
});

test('what is not there is remembered for a minute, with its code', async () => {
  const { dns, asked, clock, names } = await start({ 'a.example': {} });
  for (let n = 0; n < 2; n++) {
    await expect(dns.resolve('a.example', 'MX')).rejects.toEqual(code('ENODATA'));
    await expect(dns.resolve('gone.example', 'TXT')).rejects.toEqual(code('ENOTFOUND'));
  }
  expect(asked).toEqual(['a.example', 'gone.example']);
  names['gone.example'] = { txt: ['here'] };
  clock.move(minute);
  expect(await dns.resolve('gone.example', 'TXT')).toEqual([['here']]);
});

test('a server that fails is asked again the next time', async () => {
  const { dns, names } = await start({ 'a.example': { fails: true } });
  await expect(dns.resolve('a.example', 'A')).rejects.toEqual(code('ESERVFAIL'));
  names['a.example'] = { a: ['192.0.2.1'] };
  expect(await dns.resolve('a.example', 'A')).toEqual(['192.0.2.1']);
});

test('a server that never answers ends a question after twenty seconds', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const clock = fixedClock(0);
  const dns = new CachingDns({ servers: [`127.0.0.1:${socket.address().port}`], clock });
  const asking = dns.resolve('a.example', 'A');
  await once(socket, 'message');
  clock.move(20_000);
  await expect(asking).rejects.toEqual(code('ETIMEOUT'));
});

test('an internationalized name is asked by its A-labels', async () => {
  const { dns } = await start({ '_x.xn--jrg-sna.example': { txt: ['here'] } });
  expect(await dns.resolve('_x.Jörg.example', 'TXT')).toEqual([['here']]);
});

test.each(['', '.', 'a..example', `${'a'.repeat(64)}.example`, 'a b.example', `${'a.'.repeat(127)}example`])(
  'the name %j is not asked for',
  async (name) => {
    const { dns, asked } = await start({});
    await expect(dns.resolve(name, 'A')).rejects.toEqual(code('EBADNAME'));
    expect(asked).toEqual([]);
  },
);

test('a caller that changes its answer changes nobody else’s', async () => {
  const { dns } = await start({ 'a.example': { a: ['192.0.2.1'], ttl: 60 } });
  (await dns.resolve('a.example', 'A')).length = 0;
  expect(await dns.resolve('a.example', 'A')).toEqual(['192.0.2.1']);
});

test('a type that is not known is not asked for', async () => {
  const { dns } = await start({});
  await expect(dns.resolver('a.example', 'ANY')).rejects.toEqual(code('ENOTIMP'));
});
